from datetime import timedelta

from tests.invitations.sample_orders import NOON
from trustsvc.http import rate_limit
from trustsvc.http.rate_limit import RateLimit, network

MINUTE = timedelta(minutes=1)


def test_so_many_hits_of_a_network_in_a_while():
    gate = RateLimit(limit=2, period=10 * MINUTE)
    addresses = ["198.51.100.1", "198.51.100.2", "198.51.100.3"]

    first = [gate.allows(address, NOON) for address in addresses]
    other = gate.allows("203.0.113.1", NOON)
    later = gate.allows("198.51.100.1", NOON + 10 * MINUTE)

    assert (first, other, later) == ([True, True, False], True, True)


def test_a_clock_set_back_locks_nobody_out():
    gate = RateLimit(limit=1, period=10 * MINUTE)
    gate.allows("198.51.100.1", NOON)

    assert gate.allows("198.51.100.1", NOON - MINUTE)


def test_what_a_subscriber_has_many_addresses_of_is_one_network():
    assert network("198.51.100.7") == network("198.51.100.250") == "198.51.100.0/24"
    assert network("2001:db8:1:2::3") == network("2001:db8:1:ffff::1") == "2001:db8:1::/48"
    assert network("-") == network("nonsense") == "-"


def test_many_networks_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(rate_limit, "MAX_NETWORKS", 10)
    gate = RateLimit(limit=1, period=MINUTE)
    for number in range(100):
        gate.allows(f"10.{number}.0.1", NOON)

    assert len(gate.hits) <= 10
