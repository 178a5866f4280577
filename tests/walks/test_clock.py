"""A machine's clock is set while the clock process runs: really set, as far as it can tell.

Also tests:
trustsvc/cli/clock.py
trustsvc/cli/processes.py
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trustsvc import config
from trustsvc.mail.outbox import send_suspension
from trustsvc.storage import db

pytestmark = [pytest.mark.walk, pytest.mark.slow]

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


def stops(environ):
    """Give why no invitation leaves; to ask the command each time takes a second of a core."""
    ours = {name: value for name, value in environ.items() if name.startswith("TRUSTSVC_")}
    config.use(config.load(ours))
    try:
        with db.reading() as session:
            return list(send_suspension.stops(session).values())
    finally:
        db.dispose_engines()
        config.use(None)


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
        end = time.monotonic() + 240
        while expected not in (" ".join(stops(environ)) or "no suspension"):
            assert time.monotonic() < end, sending()
            time.sleep(0.1)
        assert expected in sending()

    command("migrate")
    process = subprocess.Popen(
        [sys.executable, "-m", "trustsvc", "scheduler"], env=environ, stderr=subprocess.DEVNULL
    )
    try:
        until("no suspension")
        time.sleep(1)  # its first note is written with the clock still right
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
        process.wait(60)
