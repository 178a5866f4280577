"""When a drill counts, and the table of the documentation that is made from its records."""

import random
from collections import Counter

import pytest

from tools.drill import report, sizes, smtp_sink, verdict
from tools.drill.chaos import EVERY, Weather
from trustsvc.doctor import fault_drills


def record(database, size=sizes.LONG, **changes):
    least = sizes.minimums(size, database)
    figures = (
        dict.fromkeys(verdict.PROMISED, 0) | least | {"seconds in all": 470, "SMTP: rcpt_450": 9}
    )
    return verdict.judged(figures | changes, least)


def test_each_kind_of_process_has_its_share_of_the_kills():
    for size in (sizes.LONG, sizes.SHORT, sizes.TESTED):
        planned = Counter(sizes.deck_of_kills(size))
        assert set(planned) == set(sizes.KILLED)
        assert min(planned.values()) >= size["kills"] // len(sizes.KILLED)
        assert Counter(sizes.deck(sizes.LINES, size["cuts"], random.Random(1))).keys() == {
            *sizes.LINES
        }


def test_a_killed_mailer_may_leave_one_unknown_delivery_a_connection(monkeypatch):
    monkeypatch.setattr(verdict.witness, "count_sender_died", lambda: 13)
    kills = {"mailer": 2, "up": 1, "web": 9}

    fine = verdict.unknown_of_killed_mailers(kills, mailers=2, connections=4)
    broken = verdict.unknown_of_killed_mailers(kills, mailers=2, connections=3)

    name = "unknown beyond one a connection of a killed mailer"
    assert (fine[name], broken[name], fine["unknown, its sender died"]) == (0, 1, 13)


def test_a_run_counts_only_with_enough_faults_of_each_kind():
    assert record("postgresql")["kept"]
    for name, least in sizes.minimums(sizes.LONG, "postgresql").items():
        found = record("postgresql", **{name: least - 1})
        assert found["short"] == [f"too few faults: {name} {least - 1}, at least {least}"]
        assert (found["broken"], found["kept"]) == ([], False)
    missing = record("sqlite")
    del missing["kill -9: serving"]
    assert sizes.shortfalls(missing, missing["minimums"]) == [
        "too few faults: kill -9: serving 0, at least 16"
    ]


def test_the_mail_server_fails_as_often_as_the_run_needs_however_late_the_mail_comes():
    weather = Weather(slow=0, least={"connect": 1, "mail": 1, "message": 3})
    assert weather("message", "a@post.example") is None  # not begun
    weather.begin(0)  # its time is over at once

    for number in range(EVERY["message"] * 3):
        weather("message", f"{number}@post.example")
    assert weather.faults["message"] == 3
    assert weather.on
    for _ in range(EVERY["mail"]):
        weather("connect", "")
        weather("mail", "")
    assert not weather.on
    assert weather.faults["mail"] == 1
    assert smtp_sink.SLOW  # of these none happens where none may


@pytest.fixture
def folder(installation):
    for seed, (database, size) in enumerate(
        [("sqlite", sizes.LONG), ("postgresql", sizes.LONG), ("postgresql", sizes.SHORT)]
    ):
        path = verdict.keep(fault_drills.folder(), database, seed, size, record(database, size))
        path.rename(path.with_name(f"{seed}.json"))
    return fault_drills.folder()


def test_the_table_names_what_was_measured_and_each_fault(folder):
    paths = report.newest_long(folder)
    drills = {database: report.read(path) for database, path in paths.items()}

    rendered = report.table(drills)

    assert [drill.seed for drill in drills.values()] == [0, 1]
    assert f"| commit | `{drills['sqlite'].commit}` |" in rendered
    assert "| seconds in all | 470 | 470 |  |" in rendered
    assert "| orders lost | 0 | 0 | 0 |" in rendered
    assert "| 150: mailer 37, redis 18" not in rendered
    most = "mailer 33, privacy-worker 17, redis 16, scheduler 16, serving 16, up 16, web 16"
    assert f"{most}, worker 17" in rendered
    assert (
        "| cut connections to Redis | - | 16: delay 4, drop 4, half_close 4, reset 4 |" in rendered
    )
    assert "| faults of the mail server, by name | 9: rcpt_450 9 | 9: rcpt_450 9 |  |" in rendered
    assert rendered.endswith("| all promises | kept | kept | kept |\n")


def test_a_table_is_replaced_and_the_rest_of_the_page_stays(folder):
    page = f"before\n{report.BEGIN}old\n{report.END}after\n"

    once = report.page_with(page, "| new |\n")

    assert once == f"before\n{report.BEGIN}\n| new |\n\n{report.END}after\n"
    assert report.page_with(once, "| new |\n") == once


def test_the_page_has_the_table_of_the_records_beside_it():
    text = report.PAGE.read_text()

    assert report.BEGIN in text
    assert report.END in text
    if report.RECORDS.exists():
        drills = {name: report.read(report.RECORDS / f"{name}.json") for name in report.DATABASES}
        assert report.page_with(text, report.table(drills)) == text
