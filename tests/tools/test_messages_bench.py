import json
import os
import subprocess
import sys

import pytest

from tests.waiting import PATIENCE_S


@pytest.mark.slow
@pytest.mark.processes
def test_the_bench_of_messages_loses_none_and_sends_none_twice(tmp_path):
    environ = os.environ | {"ROUNDS": "1", "MESSAGES": "60", "OUT": str(tmp_path)}
    environ.pop("DATABASE", None)
    done = subprocess.run(
        [sys.executable, "-m", "bench.messages"],
        check=False,
        env=environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "messages.json").read_text())
    assert (written["whole"], written["arrived"]) == (True, 120)
    assert 5 < written["statements"] < 8
    assert len(written["rows"]) == 3
    for row in written["rows"]:
        assert row["per_second"] > 0
        assert row["ratio"] > 0
