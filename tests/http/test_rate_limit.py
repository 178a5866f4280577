import contextlib
import socket
import time
from dataclasses import replace
from datetime import timedelta

import pytest
import redis

from tests.invitations.sample_orders import NOON
from tests.key_rotation import add_key
from trustsvc import config
from trustsvc.http import rate_limit
from trustsvc.http.rate_limit import RateLimit, network
from trustsvc.work_queue import job_queue, redis_link

MINUTE = timedelta(minutes=1)


def hits(gate, address="198.51.100.1", at=NOON, number=6):
    return [gate.allows(address, at) for _ in range(number)]


@pytest.fixture
def without_redis(installation, monkeypatch):
    config.use(replace(installation, redis_url=f"unix://{installation.data}/nowhere.sock"))
    monkeypatch.setattr(job_queue, "_paused_until", 0.0)
    monkeypatch.setattr(rate_limit, "_link", rate_limit._Link())


@pytest.fixture
def frozen_redis(installation, monkeypatch, tmp_path):
    """Listen like a Redis that takes connections and never answers; gives how many it took."""
    monkeypatch.setattr(rate_limit, "_link", rate_limit._Link())
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "frozen.sock"))
        listener.listen()
        listener.setblocking(False)
        config.use(replace(installation, redis_url=f"unix://{tmp_path}/frozen.sock"))
        taken = []

        def count():
            with contextlib.suppress(BlockingIOError):
                while True:
                    taken.append(listener.accept()[0])
            return len(taken)

        yield count
        for one in taken:
            one.close()


def test_so_many_hits_of_a_network_in_a_while(installation):
    gate = RateLimit("gate", limit=2, period=10 * MINUTE)
    addresses = ["198.51.100.1", "198.51.100.2", "198.51.100.3"]

    first = [gate.allows(address, NOON) for address in addresses]
    other = gate.allows("203.0.113.1", NOON)
    later = gate.allows("198.51.100.1", NOON + 10 * MINUTE)

    assert (first, other, later) == ([True, True, False], True, True)


def test_all_web_processes_count_together_and_each_route_apart(installation):
    one, same, other = (RateLimit(name, 3, MINUTE) for name in ("gate", "gate", "another gate"))

    assert hits(one, number=2) == [True, True]
    assert hits(same, number=2) == [True, False]
    assert hits(other, number=3) == [True] * 3


def test_without_redis_each_process_counts_alone(without_redis):
    one, same = RateLimit("gate", 3, MINUTE), RateLimit("gate", 3, MINUTE)

    assert hits(one) == hits(same) == [True] * 3 + [False] * 3


def test_a_frozen_redis_costs_one_request_some_milliseconds_and_the_others_nothing(
    frozen_redis, monkeypatch
):
    asked = []
    execute = redis.client.Pipeline.execute
    monkeypatch.setattr(
        redis.client.Pipeline, "execute", lambda self: asked.append(self) or execute(self)
    )
    one = RateLimit("gate", 3, MINUTE)

    assert hits(one) == [True] * 3 + [False] * 3

    assert len(asked) == frozen_redis() == 1
    options = asked[0].connection_pool.connection_kwargs
    assert options["socket_timeout"] == options["socket_connect_timeout"] == redis_link.HASTY_S
    assert job_queue.is_paused() is False  # what only counts keeps no job back

    later = time.monotonic() + rate_limit.PAUSE_S
    monkeypatch.setattr(rate_limit.time, "monotonic", lambda: later)
    hits(RateLimit("another gate", 3, MINUTE))
    assert len(asked) == 2


def test_a_count_is_of_one_period_and_one_key_of_ours(installation):
    gate = RateLimit("gate", 3, MINUTE)
    hits(gate, number=1)
    hits(gate, at=NOON + MINUTE, number=1)
    add_key(installation, "desk")
    hits(gate, at=NOON + MINUTE, number=1)

    assert len(job_queue.connection().keys("trustsvc:rate:*")) == 3


def test_redis_gets_no_address_and_forgets_the_count(installation):
    hits(RateLimit("gate", limit=2, period=10 * MINUTE))

    (key,) = job_queue.connection().keys("trustsvc:rate:*")
    assert b"198.51.100" not in key
    assert 0 < job_queue.connection().ttl(key) <= 600
    assert job_queue.connection().get(key) == b"2"  # what is refused here asks Redis no more


def test_a_clock_set_back_locks_nobody_out(installation):
    gate = RateLimit("gate", limit=1, period=10 * MINUTE)
    gate.allows("198.51.100.1", NOON)

    assert gate.allows("198.51.100.1", NOON - MINUTE)


def test_what_a_subscriber_has_many_addresses_of_is_one_network():
    assert network("198.51.100.7") == network("198.51.100.250") == "198.51.100.0/24"
    assert network("2001:db8:1:2::3") == network("2001:db8:1:ffff::1") == "2001:db8:1::/48"
    assert network("-") == network("nonsense") == "-"


def test_many_networks_do_not_fill_the_memory(installation, monkeypatch):
    monkeypatch.setattr(rate_limit, "MAX_NETWORKS", 10)
    gate = RateLimit("gate", limit=1, period=MINUTE)
    for number in range(100):
        gate.allows(f"10.{number}.0.1", NOON)

    assert len(gate.hits) <= 10
