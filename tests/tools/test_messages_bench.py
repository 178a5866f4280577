import json

import pytest

from tests.tools.benches import run_bench


@pytest.mark.slow
@pytest.mark.processes
def test_the_bench_of_messages_loses_none_and_sends_none_twice(tmp_path):
    done = run_bench("messages", tmp_path, ROUNDS="1", MESSAGES="60")

    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "messages.json").read_text())
    assert (written["whole"], written["arrived"]) == (True, 120)
    assert 5 < written["statements"] < 8
    assert len(written["rows"]) == 3
    for row in written["rows"]:
        assert row["per_second"] > 0
        assert row["ratio"] > 0
