import json

import pytest

from bench import every, results
from tests.tools.benches import run_bench

FAST = results.Result("ingest", "orders/s", 1200.0, "hello", 2400.0, 0.5, 310.0, 5, 0.1)
WIDE = results.Result("start", "s", 2.0, spread=0.9, rounds=3)


@pytest.mark.slow
@pytest.mark.processes
def test_one_table_has_the_lines_of_every_benchmark_that_ran(tmp_path):
    done = run_bench(
        "every",
        tmp_path,
        ONLY="check,start",
        ROUNDS="1",
        BATCHES="1",
        REGISTERED="100",
        DATABASE="sqlite",
    )

    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "bench.json").read_text())
    works = [one["work"] for one in written["results"]]
    assert [work.partition(",")[0] for work in works] == [
        "check",
        "check and plan",
        "start to 200 on /readyz",
        "start to 200 on /readyz",
    ]
    assert written["failed"] == []
    for work in works:
        assert f"| {work} |" in done.stdout


@pytest.mark.slow
@pytest.mark.processes
def test_a_benchmark_that_fails_is_named_and_the_others_run(tmp_path):
    done = run_bench("every", tmp_path, ONLY="check,start", ROUNDS="1", REGISTERED="much")

    assert done.returncode == 1
    assert "FAILED: check\n" in done.stdout
    assert json.loads((tmp_path / "bench.json").read_text())["failed"] == ["check"]


def test_an_unknown_benchmark_is_refused(monkeypatch, capsys):
    monkeypatch.setenv("ONLY", "everything")

    assert every.main() == 2
    assert "There is no benchmark everything" in capsys.readouterr().out


def test_each_benchmark_names_a_module_that_exists():
    modules = {one.module for one in every.BENCHES.values()}

    assert modules == {
        *("badge", "check", "growth", "ingest", "memory", "messages", "serving", "sizes"),
        *("start", "waiting_writers"),
    }


def test_a_line_that_is_too_wide_is_marked_and_another_is_not():
    first, second = results.table([FAST, WIDE]).splitlines()[2:]

    assert first == "| ingest | orders/s | 1,200 | hello | 2,400 | 0.5 | 310 | 5 | 0.10 |"
    assert second == "| start | s | 2 |  |  |  |  | 3 | 0.90 (too wide) |"


def test_rounds_are_compared_side_by_side():
    one = results.of_rounds("check", "1/s", [10.0, 40.0, 30.0], ("hmac", [100.0, 200.0, 100.0]))

    assert (one.ours, one.theirs, one.ratio, one.rounds) == (30.0, 100.0, 0.2, 3)
    assert one.spread == 1.0
    assert one.is_wide


def test_what_was_written_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setenv("OUT", str(tmp_path / "found"))
    results.write("ingest", [FAST, WIDE], lost=0)

    assert results.read(tmp_path / "found", "ingest") == [FAST, WIDE]
    assert results.read(tmp_path / "found", "other") == []
