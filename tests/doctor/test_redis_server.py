"""The readiness check of Redis, on real servers: a replica of a real primary, and a full one."""

import contextlib
import subprocess

import pytest
import redis

from tests import waiting
from tests.processes.conftest import free_port
from trustsvc import clock, config
from trustsvc.doctor import redis_server
from trustsvc.work_queue import embedded_redis, job_queue

pytestmark = pytest.mark.slow


@pytest.fixture
def primary(tmp_path):
    """A second server; gives its TCP port."""
    port, socket = free_port(), tmp_path / "primary.sock"
    command = [*embedded_redis.command(tmp_path / "primary", socket), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        embedded_redis.wait_for(socket)
        yield port
        server.terminate()


def tried():
    return redis_server.redis_server(clock.now())


@contextlib.contextmanager
def setting(name, value):
    link = job_queue.connection()
    before = link.config_get(name)[name]
    link.config_set(name, value)
    try:
        yield
    finally:
        link.config_set(name, before)


def test_a_server_that_is_well(installation):
    assert tried().status == "ok"
    assert job_queue.connection().ttl("trustsvc:trial") > 0


@pytest.mark.parametrize("read_only", ["yes", "no"])
def test_a_replica_of_a_real_primary(installation, primary, read_only):
    link = job_queue.connection()
    link.replicaof("127.0.0.1", primary)
    try:
        with setting("replica-read-only", read_only):
            waiting.until(lambda: link.info("replication")["master_link_status"] == "up")
            result = tried()
    finally:
        link.replicaof("NO", "ONE")

    assert result.status == "it is a replica"
    assert [one.remedy for one in result.findings] == ["set TRUSTSVC_REDIS_URL to the primary"]


def test_a_server_without_memory(installation):
    with setting("maxmemory", "1"):
        result = tried()

    assert result.status == "it is out of memory"
    assert tried().status == "ok"


def test_a_server_with_little_memory_left_is_a_warning(installation):
    used = job_queue.connection().info("memory")["used_memory"]
    with setting("maxmemory", str(int(used * 1.05))):
        result = tried()

    assert result.status == "ok"
    (found,) = result.findings
    assert found.level == "WARN"
    assert "% of its memory is used" in found.detail


def test_a_server_that_wants_a_replica_to_write_to(installation):
    with setting("min-replicas-to-write", "1"):
        assert tried().status == "it takes no write"


def test_a_user_who_may_not_write(installation):
    link = job_queue.connection()
    link.acl_setuser(
        "reader", enabled=True, passwords=["+long"], commands=["+@all", "-set"], keys="*"
    )
    url = installation.redis_url.replace("unix://", "unix://reader:long@")
    config.use(config.load({"TRUSTSVC_DATA": str(installation.data), "TRUSTSVC_REDIS_URL": url}))
    try:
        assert tried().status == "it takes no write"
    finally:
        link.acl_deluser("reader")


def test_a_server_that_is_away(installation):
    environ = {
        "TRUSTSVC_DATA": str(installation.data),
        "TRUSTSVC_REDIS_URL": "unix:///nowhere.sock",
    }
    config.use(config.load(environ))

    assert tried().status.startswith("away")
    with pytest.raises(redis.RedisError):
        job_queue.connection().ping()
