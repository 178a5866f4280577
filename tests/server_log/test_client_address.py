"""Also tests:
trustsvc/server_log/requester.py
"""

from dataclasses import replace
from ipaddress import ip_network

import pytest

from trustsvc import config
from trustsvc.server_log import requester
from trustsvc.server_log.client_address import client_address

PROXIES = (ip_network("127.0.0.1"), ip_network("10.0.0.0/8"), ip_network("::1"))


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "found"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),  # not a proxy of ours: may say anything
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "6.6.6.6, 198.51.100.1, 10.1.2.3", "198.51.100.1"),
        ("127.0.0.1", "10.9.9.9, 10.1.2.3", "10.9.9.9"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "6.6.6.6, unknown", "127.0.0.1"),
        ("127.0.0.1", "<script>, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("127.0.0.1", '"[2001:db8::1]:443"', "2001:db8::1"),
        ("::1", "2001:DB8:0:0::1", "2001:db8::1"),
        ("::ffff:127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1:5000", "198.51.100.1", "198.51.100.1"),
        ("fe80::1%eth0", "", "fe80::1"),
        ("", "198.51.100.1", "-"),
        ("unix:", "198.51.100.1", "-"),
        ("127.0.0.1", "1.1.1.1\r\n2.2.2.2", "127.0.0.1"),
        ("::1", "6.6.6.6, 2001:db8::9, [::1]:8080, ::ffff:10.0.0.3, 10.0.0.1:99", "2001:db8::9"),
        ("127.0.0.1", "2001:db8::9, 6.6.6.6:99999", "6.6.6.6"),
        ("127.0.0.1", "10.0.0.1, 10.0.0.2, ::1", "10.0.0.1"),  # all ours: the farthest
        ("127.0.0.1", "6.6.6.6, , 10.0.0.1", "10.0.0.1"),  # garbage ends the reading
        ("127.0.0.1", "6.6.6.6, 0x7f.1, 10.0.0.1", "10.0.0.1"),
        ("127.0.0.1", "for=6.6.6.6", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.1\x1b[31m", "127.0.0.1"),
        ("127.0.0.1", "010.000.000.001", "127.0.0.1"),  # octal to some, decimal to others: neither
        ("127.0.0.1", "[2001:db8::1%eth0]:443", "2001:db8::1"),
        ("127.0.0.1", "6.6.6.6," * 10_000 + "198.51.100.1", "198.51.100.1"),
    ],
)
def test_the_client_is_the_nearest_one_no_trusted_proxy_vouches_for(peer, forwarded_for, found):
    assert client_address(peer, forwarded_for, PROXIES) == found


def test_a_request_came_from_whoever_a_trusted_proxy_names(app, installation):
    headers = {"X-Forwarded-For": "198.51.100.7"}
    with app.test_request_context(headers=headers, environ_base={"REMOTE_ADDR": "127.0.0.1"}):
        assert requester.address() == "127.0.0.1"
        config.use(replace(installation, trusted_proxies=PROXIES))
        assert requester.address() == "198.51.100.7"
