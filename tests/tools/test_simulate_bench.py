import json

import pytest

from bench import results, simulate
from tests.tools.benches import run_bench

SQLITE, POSTGRESQL, *_ = simulate.PLAN


def test_the_plan_holds_every_size_and_no_step_of_it_is_needless():
    first = {
        size: next(step for step in simulate.PLAN if holds(size, step)) for size in simulate.SIZES
    }

    assert simulate.SIZES[-1] == 10**9
    assert first[10**7] is SQLITE
    assert first[10**9] is simulate.PLAN[-1]


def holds(size, step):
    measured = simulate.SQLITE if step.database == "sqlite" else simulate.POSTGRESQL
    return simulate.first_full(simulate.loads(size, step, measured)) is None


def test_ten_times_the_invitations_are_ten_times_the_load_of_mailers_and_disk():
    few, many = (simulate.loads(size, SQLITE, simulate.SQLITE) for size in (10**6, 10**7))

    for name in ("mailers", "disk"):
        assert many[name] == pytest.approx(10 * few[name])
    assert many["CPU"] < 10 * few["CPU"]  # what is quiet costs something too


def test_what_is_fullest_is_named_only_when_it_is_full():
    assert simulate.first_full({"CPU": 0.9, "disk": 0.2}) is None
    assert simulate.first_full({"CPU": 1.2, "disk": 3.0}) == "disk"


def test_a_postgresql_that_rewrites_whole_tables_is_full_before_its_disk_is():
    found = simulate.loads(10**7, POSTGRESQL, simulate.POSTGRESQL)

    by_month = simulate.loads(10**7, simulate.PLAN[2], simulate.POSTGRESQL)
    assert simulate.first_full(found) == "rewriting"
    assert found["disk"] < 1
    assert by_month["rewriting"] == pytest.approx(found["rewriting"] * 399 / 917)


def test_figures_of_a_run_take_the_place_of_those_that_are_written_down(tmp_path, monkeypatch):
    monkeypatch.setenv("OUT", str(tmp_path))
    results.write(
        "bench",
        [
            results.Result("ingest, SQLite, 64 connections", "orders/s", 900.0, cpu_us=800.0),
            results.Result("messages sent, sqlite", "messages/s", 400.0, cpu_us=900.0),
            *(
                results.Result(f"{job}, sqlite, 3,000 orders", "ms", 5.0, "1,000 orders", 1.0)
                for job in simulate.QUIET
            ),
        ],
    )
    results.write(
        "sizes",
        [
            results.Result("orders, sqlite, 1.0 rows an order", "bytes a row", 300),
            results.Result("decision_log, sqlite, 7.0 rows an order", "bytes a row", 80),
            results.Result("deliveries, sqlite, 1.0 rows an order", "bytes a row", 90),
        ],
    )

    found = simulate.from_results(tmp_path, "sqlite", simulate.SQLITE)

    assert (found.ingest_us, found.message_us, found.messages_a_second) == (800.0, 900.0, 400.0)
    assert (found.order_bytes, found.largest_table_bytes) == (860.0, 560.0)
    assert found.next_table_bytes == 300.0
    assert found.tick_ms == len(simulate.QUIET)
    assert found.tick_us_a_row == pytest.approx(len(simulate.QUIET) * 2.0)
    assert found.plan_us == simulate.SQLITE.plan_us
    untouched = simulate.from_results(tmp_path, "postgresql", simulate.POSTGRESQL)
    assert untouched == simulate.POSTGRESQL


@pytest.mark.slow
@pytest.mark.processes
def test_the_bench_of_sizes_measures_every_table(tmp_path):
    done = run_bench("sizes", tmp_path, ROWS="2000", DATABASE="sqlite")

    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "sizes.json").read_text())["results"]
    assert len(found) == 8
    for one in found:
        assert 20 < one["ours"] < 5000
