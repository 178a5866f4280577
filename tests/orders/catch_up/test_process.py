"""A real process is killed while it catches up; the next one goes on.

Also tests:
trustsvc/cli/shop_connect.py
"""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from tests.orders.catch_up import platform_api
from tests.waiting import PATIENCE_S
from trustsvc import clock, config
from trustsvc.orders.catch_up import connections

pytestmark = [pytest.mark.both_databases, pytest.mark.processes]

MINUTE = timedelta(minutes=1)


def start(slug):
    settings = config.current()
    environ = os.environ | {
        "PYTHONPATH": str(Path(config.__file__).parents[1]),
        "TRUSTSVC_DATA": str(settings.data),
        "TRUSTSVC_DATABASE_URL": settings.database_url,
        "TRUSTSVC_REDIS_URL": settings.redis_url,
    }
    command = [sys.executable, "-m", "trustsvc", "shop", "catch-up", slug]
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_a_process_killed_between_two_pages_loses_nothing_and_stores_nothing_twice(connected):
    shop = connected("lightspeed")
    for number in range(250):
        shop.api.place(clock.now() - timedelta(days=5) + number * MINUTE)
    process = None

    def kill(page):
        if page == 4 and process:
            os.kill(process.pid, signal.SIGKILL)

    shop.api.before_page = kill
    process = start(shop.slug)
    process.communicate(timeout=PATIENCE_S)
    part = shop.stored()

    assert process.returncode == -signal.SIGKILL
    assert 0 < part < 250
    with clock.at(clock.now() + connections.CONNECTION_LEASE + MINUTE):
        outcome, _ = shop.run()
    assert (outcome.is_complete, shop.stored()) == (True, 250)


def test_a_process_runs_to_its_end_and_prints_no_secret(connected):
    shop = connected("woocommerce")
    shop.api.place(clock.now() - MINUTE)

    process = start(shop.slug)
    output, _ = process.communicate(timeout=PATIENCE_S)

    assert (process.returncode, shop.stored()) == (0, 1)
    assert b"1 new orders" in output
    assert platform_api.SECRET.encode() not in output
    assert b"jan@" not in output.lower()
