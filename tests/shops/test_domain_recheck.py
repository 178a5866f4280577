import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from jobs.recheck_domains import recheck_domains
from tests.shops.test_domain_proof import domain, enrolled  # noqa: F401 - a fixture
from trustsvc import clock, clock_check
from trustsvc.badge import content
from trustsvc.clock import Reading
from trustsvc.doctor.stores import seals
from trustsvc.shops import directory, domain_proof, domain_recheck, settings
from trustsvc.shops.models import shops
from trustsvc.storage import db
from trustsvc.storage.event_log import events

pytestmark = pytest.mark.both_databases

DAY = timedelta(days=1)


@pytest.fixture
def proven(installation, domain):  # noqa: F811
    """A shop whose domain is proven; what its web server shows can be changed."""
    place, shown = domain
    made = enrolled(place)
    shown["file"] = domain_proof.proof_line(made).encode()
    domain_proof.require_proof(made)
    with db.transaction() as session:
        domain_proof.record_proof(session, made, clock.now())
    return made, shown


def look(start, days):
    """Ring on so many days after the start; gives how often somebody was looked at that day."""
    with clock.at(start + days * DAY):
        looked = 0
        while domain_recheck.recheck_next(db.transaction, clock.now):
            looked += 1
        return looked


def sealed(shop, at):
    with db.reading() as session:
        return content.seal_holds(directory.by_id(session, shop.id), at)


def kinds():
    with db.reading() as session:
        return list(session.scalars(select(events.c.kind).order_by(events.c.id)))


def test_a_line_that_stays_is_looked_at_once_a_day_and_the_seal_stays(proven):
    shop, _ = proven
    start = clock.now()

    assert [look(start, days) for days in (0, 0.5, 1, 1.1, 2, 3, 4)] == [0, 0, 1, 0, 1, 1, 1]
    assert sealed(shop, start + 5 * DAY)
    assert kinds().count("shop.proven") == 1


def test_three_days_without_it_end_the_seal_and_its_return_brings_it_back(proven):
    shop, shown = proven
    start, there = clock.now(), shown["file"]
    held = {}
    for day in range(1, 9):
        shown["file"] = b"" if 2 <= day <= 5 else there
        look(start, day)
        held[day] = sealed(shop, start + 20 * DAY)
        with db.reading() as session:
            level = seals(session).level
        assert level == ("OK" if held[day] else "WARN")

    assert held == {1: True, 2: True, 3: True, 4: False, 5: False, 6: True, 7: True, 8: True}
    assert [kind for kind in kinds() if "proven" in kind] == [
        "shop.proven", "shop.unproven", "shop.proven",
    ]  # fmt: skip


def test_days_that_are_not_in_a_row_end_nothing(proven):
    shop, shown = proven
    start, there = clock.now(), shown["file"]
    for day in range(1, 10):
        shown["file"] = b"" if day % 3 else there
        look(start, day)

    assert sealed(shop, start + 20 * DAY)


def test_many_rounds_of_one_day_are_one_day(proven):
    shop, shown = proven
    start = clock.now()
    shown["file"] = b"other"

    assert sum(look(start, 1 + hour / 30) for hour in range(20)) == 1
    assert sealed(shop, start + 20 * DAY)


def test_nobody_looks_at_what_was_never_proven_is_closed_or_has_another_domain(proven):
    shop, shown = proven
    enrolled("never.localhost:1")
    start = clock.now()
    assert look(start, 1) == 1
    shown["file"] = b""
    with db.transaction() as session:
        settings.change_settings(
            session, shop.slug, settings.SettingsChange(domain="else.localhost:1"), clock.now()
        )
    assert look(start, 2) == 0

    with db.transaction() as session:
        domain_recheck.record_check(
            session, shop, clock.now(), is_proven=True
        )  # was under way for the old domain
    assert not sealed(shop, start + 20 * DAY)

    with db.transaction() as session:
        session.execute(update(shops).values(proven_at=start, closed_at=start))
    assert look(start, 3) == 0


def test_two_machines_whose_clocks_differ_by_a_little_look_once_a_day(proven):
    start, ahead = clock.now(), 2 / 86_400

    assert [look(start, days) for days in (1 + ahead, 1, 2 + ahead, 2)] == [1, 0, 1, 0]


def test_a_clock_that_was_ahead_does_not_keep_a_domain_from_being_looked_at(proven):
    start = clock.now()
    assert look(start, 400) == 1

    assert look(start, 1) == 1


def test_two_at_once_look_at_one_shop_once(proven):
    results, ready = [], threading.Barrier(4)

    def one():
        ready.wait()
        results.append(domain_recheck.recheck_next(db.transaction, lambda: clock.now() + DAY))

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == [False, False, False, True]


def test_the_job_looks_at_what_is_due(proven):
    shop, shown = proven
    start = clock.now()
    shown["file"] = b""
    for day in range(1, 4):
        with clock.at(start + day * DAY):
            recheck_domains()

    assert not sealed(shop, start + 20 * DAY)


@pytest.mark.parametrize("jump", [400 * DAY, -400 * DAY])
def test_a_wrong_clock_by_which_every_certificate_is_invalid_costs_no_seal(
    proven, monkeypatch, jump
):
    shop, shown = proven
    right = clock.read()
    with db.transaction() as session:
        clock_check.record(session, right, None)
    shown["file"] = b""
    with monkeypatch.context() as machine:
        for day in range(1, 5):
            wrong = Reading(right.at + jump + day * DAY, right.boot, right.uptime + day * DAY)
            machine.setattr(clock, "read", lambda wrong=wrong: wrong)
            machine.setattr(clock, "now", lambda wrong=wrong: wrong.at)
            recheck_domains()

    assert sealed(shop, right.at + 20 * DAY)
    assert "shop.unproven" not in kinds()
