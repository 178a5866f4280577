"""The embedded default after a fall: all killed in the midst of work, Redis's file damaged."""

import contextlib
import os
import shutil
import signal

import pytest

from tests.faults.test_resources import stored
from tests.processes.test_redis import post
from tests.waiting import PATIENCE_S

pytestmark = [pytest.mark.processes, pytest.mark.slow]


def kept_by_redis(data):
    """Give the append-only files, the one that grows last."""
    return sorted((data / "redis" / "appendonlydir").glob("*.aof"), key=lambda one: one.name)


def cut_the_tail(data):
    grows = kept_by_redis(data)[-1]
    os.truncate(grows, grows.stat().st_size - 5)


def write_rubbish_into_the_middle(data):
    grows = kept_by_redis(data)[-1]
    with grows.open("r+b") as file:
        file.seek(grows.stat().st_size // 3)
        file.write(b"\x00rubbish\xff" * 8)


def lose_it(data):
    shutil.rmtree(data / "redis")


def leave_it(data):
    pass


@pytest.mark.parametrize("damage", [leave_it, cut_the_tail, write_rubbish_into_the_middle, lose_it])
def test_all_that_was_accepted_is_worked_on_after_everything_was_killed(
    shared_service, restarted, damage
):
    service, said = shared_service, len(shared_service.log.read_text())
    shop = service.enrol("standard")
    for name in ("worker", "mailer"):
        os.kill(service.until(lambda name=name: service.children().get(name)), signal.SIGSTOP)
    accepted = {f"{damage.__name__}-{number}" for number in range(20)}
    assert {post(shop, reference).status_code for reference in accepted} == {202}
    children = service.children()
    os.kill(service.process.pid, signal.SIGKILL)
    for pid in children.values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    service.process.wait(PATIENCE_S)
    damage(service.data)

    restarted(service)

    service.until(lambda: not stored(service, "received"))
    assert stored(service) >= accepted
    assert {post(shop, reference).json()["status"] for reference in accepted} == {"duplicate"}
    log = service.log.read_text()[said:]
    started_empty = "work_queue.redis_started_empty" in log
    assert started_empty == (damage is write_rubbish_into_the_middle)
    assert "Traceback" not in log
