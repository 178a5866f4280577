"""The unit gives `up` the time it needs to stop, and takes from it what it never needs."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from trustsvc.cli import child_process

UNIT = Path(__file__).parents[2] / "deploy" / "systemd" / "trustsvc.service"
MAX_EXPOSURE = 2.0
TAKEN_AWAY = [
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "AmbientCapabilities=",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "PrivateUsers=yes",
    "PrivateMounts=yes",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectControlGroups=yes",
    "ProtectProc=invisible",
    "RemoveIPC=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "MemoryDenyWriteExecute=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "UMask=0077",
]


def test_the_unit_waits_longer_than_up_does():
    minutes = int(re.search(r"^TimeoutStopSec=(\d+)min$", UNIT.read_text(), re.MULTILINE)[1])
    longest = max(child_process.STOP_TIMEOUTS_S.values()) + child_process.TIMEOUT_S  # then Redis

    assert longest < minutes * 60 < longest + 120


def test_the_unit_takes_away_what_the_service_never_needs():
    lines = UNIT.read_text().splitlines()

    assert [line for line in TAKEN_AWAY if line not in lines] == []
    assert "SystemCallFilter=~@privileged @resources" in lines


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_counts_little_exposure():
    command = ["systemd-analyze", "security", "--offline=true", str(UNIT)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert float(re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)[1]) <= MAX_EXPOSURE
