"""The unit gives `up` the time that its slowest process may need to stop."""

import re
from pathlib import Path

from trustsvc.cli import up

UNIT = Path(__file__).parents[2] / "deploy" / "systemd" / "trustsvc.service"


def test_the_unit_waits_longer_than_up_does():
    minutes = int(re.search(r"^TimeoutStopSec=(\d+)min$", UNIT.read_text(), re.MULTILINE)[1])
    longest = max(up.STOP_TIMEOUTS_S.values()) + up.TIMEOUT_S  # then Redis

    assert longest < minutes * 60 < longest + 120
