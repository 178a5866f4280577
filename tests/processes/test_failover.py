"""Redis behind Sentinel: its primary becomes a replica, then the new primary is killed."""

import contextlib
import subprocess
import sys
import time

import pytest
import redis

from tests.faults.test_proxy import is_settled
from tests.invitations import sample_orders
from tests.processes.conftest import free_port
from tests.waiting import until
from tools.drill.service import ROOT
from trustsvc import clock, config
from trustsvc.doctor import redis_server
from trustsvc.storage import db
from trustsvc.work_queue import embedded_redis, job_queue

pytestmark = [pytest.mark.processes, pytest.mark.slow]
SENTINEL = """
port {sentinel}
dir {place}
requirepass watchman-password
sentinel monitor main 127.0.0.1 {primary} 1
sentinel auth-pass main server-password
sentinel down-after-milliseconds main 2000
sentinel failover-timeout main 3000
"""


class Servers:
    """Two servers and a Sentinel; the URL names a Sentinel that is away before it."""

    def __init__(self, place, stack):
        self.place, self.stack, self.processes = place, stack, {}
        self.primary, self.replica, self.sentinel, self.away = (free_port() for _ in range(4))
        self.start(self.primary)
        self.start(self.replica, "--replicaof", f"127.0.0.1 {self.primary}")
        file = place / "sentinel.conf"
        file.write_text(SENTINEL.format(**vars(self)))
        self._run(self.sentinel, [embedded_redis.program(), str(file), "--sentinel"])
        self.watchman = redis.Redis(port=self.sentinel, password="watchman-password")

    @property
    def url(self):
        places = f"127.0.0.1:{self.away},127.0.0.1:{self.sentinel}"
        login, own = ":server-password", "sentinel_password=watchman-password"
        return f"redis+sentinel://{login}@{places}/main?{own}"

    def start(self, port, *more):
        socket = self.place / f"{port}.sock"
        options = (
            "--port",
            str(port),
            "--masterauth",
            "server-password",
            "--repl-diskless-sync-delay",
            "0",
        )
        command = [*embedded_redis.command(self.place / str(port), socket), *options, *more]
        self._run(port, [*command, "--requirepass", "server-password"])

    def _run(self, name, command):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.stack.callback(end, process)
        self.processes[name] = process

    def is_replica(self, port):
        with contextlib.suppress(redis.RedisError):
            link = redis.Redis(port=port, password="server-password")
            return link.info("replication")["role"] == "slave"
        return False

    def is_watched(self):
        with contextlib.suppress(redis.RedisError):
            return self.watchman.sentinel_master("main")["num-slaves"] == 1
        return False


def end(process):
    process.kill()
    process.wait()


@pytest.fixture
def servers(tmp_path):
    with contextlib.ExitStack() as stack:
        yield Servers(tmp_path, stack)


def processes(installation, servers):
    environ = {
        "PYTHONPATH": str(ROOT),
        "TRUSTSVC_DATA": str(installation.data),
        "TRUSTSVC_REDIS_URL": servers.url,
    }
    config.use(config.load({k: v for k, v in environ.items() if k.startswith("TRUSTSVC_")}))
    for name in ("worker", "mailer"):
        command = [sys.executable, "-m", "trustsvc", name]
        process = subprocess.Popen(command, env=environ, cwd=ROOT)
        servers.stack.callback(end, process)


def works(order_id):
    """Say whether an order is settled and the mailer took its job; enqueues as the scheduler."""
    taken = [job_queue.enqueue_now(name) for name in ("check_orders", "send_messages")]
    time.sleep(0.5)
    with contextlib.suppress(redis.RedisError):
        waits = job_queue.connection().llen(f"rq:queue:{job_queue.MAIL_QUEUE}")
        return all(taken) and not waits and is_settled(order_id)
    return False


def place(at_shop, number):
    """Accept an order as the web server does: it is on disk, and its job is enqueued if it may."""
    order_id = sample_orders.place(at_shop, email=f"buyer{number}@mail.example")
    with db.transaction() as session:
        job_queue.enqueue(session, "check_orders")
    return order_id


def status():
    return redis_server.redis_server(clock.now()).status


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_work_goes_on_with_whichever_server_is_the_primary(installation, servers):
    at_shop = sample_orders.shop()
    until(servers.is_watched)
    processes(installation, servers)
    first = place(at_shop, 1)
    until(lambda: works(first))
    assert status() == "ok"
    assert [one.detail for one in redis_server.sentinels()] == ["1 of 2 do not answer"]

    servers.watchman.sentinel_failover("main")
    second = place(at_shop, 2)
    until(lambda: servers.is_replica(servers.primary))
    until(lambda: works(second))
    assert status() == "ok"

    end(servers.processes[servers.replica])  # the primary by now
    third = place(at_shop, 3)  # accepted in the gap
    assert status() != "ok"
    until(lambda: works(third))
    assert status() == "ok"
