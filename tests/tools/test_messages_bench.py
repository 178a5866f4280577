import json

import pytest

from tests.tools.benches import run_bench


@pytest.mark.slow
@pytest.mark.processes
def test_the_bench_of_messages_loses_none_and_sends_none_twice(tmp_path):
    done = run_bench(
        "messages", tmp_path, ROUNDS="1", MESSAGES="60", DATABASE="sqlite", DISTANCES="0,1"
    )

    assert done.returncode == 0, done.stderr
    (written,) = json.loads((tmp_path / "messages.json").read_text())["databases"]
    assert (written["whole"], written["arrived"]) == (True, 4 * 60 + 2 * 12)
    one, several = written["statements"].values()
    assert 5 < one < 8
    assert several < one / 2
    assert [row["distance"] for row in written["rows"]] == [0] * 4 + [1] * 4
    for row in written["rows"]:
        assert row["per_second"] > 0
        assert row["of_loop"] > 0
