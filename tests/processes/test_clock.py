"""A machine's clock is set while the clock process runs: really set, as far as it can tell.

Also tests:
trustsvc/cli/clock.py
trustsvc/cli/processes.py
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import waiting
from tests.waiting import PATIENCE_S
from trustsvc import config
from trustsvc.mail.outbox import send_suspension
from trustsvc.storage import db
from trustsvc.work_queue import heartbeat

pytestmark = [pytest.mark.processes, pytest.mark.slow]

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


def reads(environ, question):
    """Read from the database; to ask the command each time takes a second of a core."""
    ours = {name: value for name, value in environ.items() if name.startswith("TRUSTSVC_")}
    config.use(config.load(ours))
    try:
        with db.reading() as session:
            return question(session)
    finally:
        db.dispose_engines()
        config.use(None)


def stops(session):
    """Give why no invitation leaves."""
    return " ".join(send_suspension.stops(session).values()) or "no suspension"


@pytest.mark.skipif(FAKETIME is None, reason="libfaketime is not on this machine")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_invitations_wait_while_the_clock_is_wrong_and_leave_when_it_is_right(
    service_environ, tmp_path, database
):
    offset_file = tmp_path / "offset"
    offset_file.write_text("+0")
    environ = service_environ | {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(offset_file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }

    def command(*words):
        words = [sys.executable, "-m", "trustsvc", *words]
        done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
        return done.stdout

    def sending():
        lines = json.loads(command("doctor", "--json"))
        return next(line["detail"] for line in lines if line["check"] == "sending")

    def until(expected):
        waiting.until(lambda: expected in reads(environ, stops))
        assert expected in sending()

    command("migrate")
    process = subprocess.Popen(
        [sys.executable, "-m", "trustsvc", "scheduler"], env=environ, stderr=subprocess.DEVNULL
    )
    try:
        # Until its first note, with the clock still right.
        waiting.until(lambda: reads(environ, lambda session: heartbeat.last(session, "scheduler")))
        until("no suspension")
        for offset, expected in (
            ("+1d", "clock_ahead"),
            ("-1h", "clock_behind"),
            ("+0", "no suspension"),
        ):
            offset_file.write_text(offset)
            until(expected)
        offset_file.write_text("+3650d")
        until("clock_ahead")
        command("clock", "trust")
        until("no suspension")
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
