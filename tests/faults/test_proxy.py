"""The worker behind a line to Redis that goes wrong: work resumes within a minute of its return."""

import subprocess
import sys
import time

import pytest
from sqlalchemy import select

from tests.invitations import sample_orders
from tools.drill.proxy import MODES, Proxy
from tools.drill.service import ROOT
from trustsvc.orders.models import orders
from trustsvc.storage import db
from trustsvc.work_queue import job_queue

pytestmark = [pytest.mark.slow, pytest.mark.processes]


def is_settled(order_id):
    with db.reading() as session:
        return session.scalar(select(orders.c.state).where(orders.c.id == order_id)) == "settled"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_work_resumes_within_a_minute_of_the_return_of_redis(installation):
    at_shop = sample_orders.shop()
    with Proxy(installation.redis_url.removeprefix("unix://")) as proxy:
        environ = {
            "PYTHONPATH": str(ROOT),
            "TRUSTSVC_DATA": str(installation.data),
            "TRUSTSVC_REDIS_URL": proxy.url,
            "TRUSTSVC_MAIL_URL": f"maildir:{installation.data}/mail",
        }
        command = [sys.executable, "-m", "trustsvc", "worker"]
        worker = subprocess.Popen(command, env=environ, cwd=ROOT)
        try:
            assert settles(sample_orders.place(at_shop), 240)
            for mode in (mode for mode in MODES if mode != "pass"):
                proxy.turn(mode)
                time.sleep(1)
                order_id = sample_orders.place(at_shop, email=f"{mode}@mail.example")
                with db.transaction() as session:
                    job_queue.enqueue(session, "check_orders")
                time.sleep(3)
                proxy.turn("pass")

                if worker.poll() is not None:  # `up` and systemd start it again
                    worker = subprocess.Popen(command, env=environ, cwd=ROOT)
                assert settles(order_id, 240), mode
        finally:
            worker.kill()
            worker.wait()


def settles(order_id, seconds):
    end, enqueued = time.monotonic() + seconds, 0.0
    while time.monotonic() < end:
        if is_settled(order_id):
            return True
        if time.monotonic() - enqueued > 0.5:
            job_queue.enqueue_now("check_orders")  # as the scheduler does
            enqueued = time.monotonic()
        time.sleep(0.2)
    return False
