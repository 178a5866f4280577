"""Redis in every state it can be in: no endpoint waits for it, and nothing is lost."""

import shutil
import subprocess
import sys
import time

import pytest
import redis
import requests

from tests.faults.test_resources import stored
from tests.signing import signed_request
from tests.waiting import PATIENCE_S
from tools.drill.proxy import Proxy
from tools.drill.service import Redis

pytestmark = [pytest.mark.processes, pytest.mark.slow]
HELD_UP_S = 3.0
MANY_TIMES = 10  # the slowest answer while Redis is well, on a machine that is slow


@pytest.fixture
def own(tmp_path_factory):
    with Redis(tmp_path_factory.mktemp("r")) as server:
        yield server


@pytest.fixture
def proxy(own):
    with Proxy(str(own.socket)) as line:
        yield line


@pytest.fixture
def service_environ(service_environ, proxy):
    return service_environ | {"TRUSTSVC_REDIS_URL": proxy.url}


def post(shop, reference):
    data = f'{{"data": {{"reference": "{reference}", "email": "{reference}@post.example"}}}}'
    headers = signed_request("standard", shop["secret"], data.encode())
    return requests.post(shop["webhook_url"], data=data, headers=headers, timeout=PATIENCE_S)


def states(own, proxy):
    """Name each state with how it is made and undone."""
    link = redis.Redis(unix_socket_path=str(own.socket))

    def begin_again():
        shutil.rmtree(own.place / "redis")
        own.start()

    def kill():
        own.process.kill()
        own.process.wait()

    yield "slow", lambda: proxy.turn("delay"), lambda: proxy.turn("pass")
    yield "silent", lambda: proxy.turn("drop"), lambda: proxy.turn("pass")
    yield "cut off", lambda: proxy.turn("reset"), lambda: proxy.turn("pass")
    yield (
        "read-only",
        lambda: link.replicaof("127.0.0.1", "1"),
        lambda: link.replicaof("NO", "ONE"),
    )
    yield (
        "without the copies it wants",
        lambda: link.config_set("min-replicas-to-write", 1),
        lambda: link.config_set("min-replicas-to-write", 0),
    )
    yield (
        "full",
        lambda: link.config_set("maxmemory", 1),
        lambda: link.config_set("maxmemory", 0),
    )
    yield "emptied", link.flushall, link.flushall
    yield "killed", kill, own.start
    yield "gone with all it had", kill, begin_again


def slowest_answer(shop, name):
    """Post for four seconds; gives how long the slowest answer took."""
    accepted, slowest = time.monotonic(), 0.0
    while time.monotonic() < accepted + 4:
        began = time.monotonic()
        answer = post(shop, f"{name.replace(' ', '-')}-{began}")
        slowest = max(slowest, time.monotonic() - began)
        assert answer.status_code == 202, name
        time.sleep(0.05)  # a load, and not all that the machine can do
    return slowest


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_orders_are_accepted_and_work_resumes_whatever_redis_does(service, own, proxy):
    shop = service.enrol("standard")
    for name, make, undo in states(own, proxy):
        usual = slowest_answer(shop, "well")
        make()
        slowest = slowest_answer(shop, name)
        undo()
        service.until(lambda: not stored(service, "received"))
        service.until(service.is_ready)
        assert slowest < max(HELD_UP_S, MANY_TIMES * usual), name
    assert "Traceback" not in service.log.read_text()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_redis_that_throws_away_is_refused_at_start(service_environ, own):
    redis.Redis(unix_socket_path=str(own.socket)).config_set("maxmemory-policy", "allkeys-lru")

    for command in ("up", "worker"):
        done = subprocess.run(
            [sys.executable, "-m", "trustsvc", command],
            env=service_environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

        assert done.returncode == 1, command
        assert "set its maxmemory-policy to noeviction" in done.stderr
        assert "Traceback" not in done.stderr
