"""Tests:
trustsvc/cli/moment.py
"""

from datetime import timedelta

import pytest
from click.testing import CliRunner

from jobs import schedule
from trustsvc import clock, config
from trustsvc.cli import main
from trustsvc.storage import db
from trustsvc.work_queue import heartbeat


def run(*words):
    return CliRunner().invoke(main, ["tick", *words])


def test_every_tick_runs_due_or_not_and_leaves_no_heartbeat(installation):
    done = run()

    assert done.exit_code == 0
    assert [f"{tick.job} done" for tick in schedule.SCHEDULE] == done.stdout.splitlines()
    with db.reading() as session:
        assert heartbeat.last(session, "scheduler") is None


def test_another_moment_is_this_process_alone_and_only_as_long(installation):
    before = clock.now()

    assert run("--at", "2027-03-01T00:00Z").exit_code == 0

    assert before <= clock.now()
    assert clock.now().year == before.year


@pytest.mark.parametrize(
    ("hours", "runs", "warned"),
    [(24, True, True), (24, False, False), (-24, True, False), (0, True, False)],
)
def test_a_moment_ahead_is_warned_of_where_a_service_runs_and_done_all_the_same(
    installation, hours, runs, warned
):
    moment = clock.now() + timedelta(hours=hours)

    with db.transaction() as session:
        heartbeat.beat(session, "scheduler", clock.now() - timedelta(minutes=0 if runs else 5))

    done = run("--at", moment.isoformat())

    assert done.exit_code == 0
    assert [f"{tick.job} done" for tick in schedule.SCHEDULE] == done.stdout.splitlines()
    assert ("deleted now, for good" in done.stderr) == warned


@pytest.mark.parametrize("moment", ["soon", "9999-12-31T23:59Z", "0001-01-01T00:00Z", ""])
def test_a_moment_that_cannot_be_is_refused_with_a_sentence(installation, moment):
    done = run("--at", moment) if moment else run("--at")

    assert done.exit_code == 2
    assert "Error" in done.output
    assert "Traceback" not in done.output


def test_a_database_that_is_away_ends_in_a_sentence(installation):
    config.use(
        config.load(
            {
                "TRUSTSVC_DATA": str(installation.data),
                "TRUSTSVC_DATABASE_URL": "postgresql://trustsvc@/none?host=/nowhere",
            }
        )
    )

    done = run()

    assert done.exit_code == 1
    assert "The database cannot be reached" in done.output
