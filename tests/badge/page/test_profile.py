from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest
from sqlalchemy import event, select

from tests.reviews.sample_reviews import review, shop
from trustsvc import clock
from trustsvc.badge import score
from trustsvc.badge.page import profile
from trustsvc.errors import NotFound
from trustsvc.reviews import lookup, moderate, personal_data, publish, reply, withdraw
from trustsvc.reviews.models import publications
from trustsvc.storage import db

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BEGIN = datetime(2025, 11, 21, 23, tzinfo=UTC)  # midnight in Amsterdam


def _publish(made, at, stars, title=""):
    public_id = review(made, at=at, stars=stars, title=title)
    with db.transaction() as session:
        moderate.approve(session, public_id, "staff 1", at)
        publish.publish_approved(session, at)
    return public_id


def _read(made, stars="", before="", now=NOW):
    with db.reading() as session:
        return profile.read_profile(session, made.slug, profile.parse_request(stars, before), now)


def _pages(made, stars=""):
    before, pages = "", []
    while True:
        found = _read(made, stars, before)
        pages.append([line.public_id for line in found.lines])
        before = found.older
        if not before:
            return pages


def test_the_last_twelve_months_are_counted_apart_from_all_time(installation):
    made, other = shop(), shop("Other")
    _publish(made, BEGIN - timedelta(milliseconds=1), 1)
    _publish(made, BEGIN, 4)
    _publish(made, NOW, 5)
    _publish(other, NOW, 2)

    found = _read(made)

    assert found.since == BEGIN
    assert found.score.histogram == (1, 0, 0, 1, 1)
    assert found.last_year.histogram == (0, 0, 0, 1, 1)


def test_a_shop_with_old_reviews_alone_has_no_score_of_the_last_year(installation):
    made = shop()
    _publish(made, BEGIN - timedelta(days=1), 5)

    found = _read(made)

    assert (found.score.count, found.last_year.count) == (1, 0)


def test_both_windows_come_of_one_query(installation):
    made = shop()
    _publish(made, NOW, 5)
    asked = []

    def note(_connection, _cursor, statement, *_):
        asked.append(statement)

    event.listen(db.engine(), "before_cursor_execute", note)
    try:
        _read(made)
    finally:
        event.remove(db.engine(), "before_cursor_execute", note)

    counting = [one for one in asked if "count(" in one and "publications" in one]
    assert len(counting) == 1
    assert len([one for one in asked if one.startswith("SELECT")]) <= 5


@pytest.mark.parametrize(
    ("now", "zone", "begin"),
    [
        ("2026-11-22T12:00+00:00", "Europe/Amsterdam", "2025-11-22T00:00+01:00"),
        ("2026-11-22T23:30+00:00", "Europe/Amsterdam", "2025-11-23T00:00+01:00"),
        ("2024-02-29T12:00+00:00", "UTC", "2023-02-28T00:00+00:00"),
        ("2025-03-01T12:00+00:00", "UTC", "2024-03-01T00:00+00:00"),
        ("2026-06-01T00:00+00:00", "America/New_York", "2025-05-31T00:00-04:00"),
    ],
)
def test_a_year_begins_with_the_same_day_of_last_year_at_the_shop(now, zone, begin):
    found = score.year_before(datetime.fromisoformat(now), zone)

    assert found == datetime.fromisoformat(begin)


def test_a_filter_shows_these_stars_alone_on_all_its_pages_newest_first(installation, monkeypatch):
    monkeypatch.setattr(profile, "PAGE_SIZE", 2)
    made = shop()
    # Pairs of the same moment: the key has to tell them apart.
    ids = [
        (stars, _publish(made, NOW - timedelta(days=day // 2), stars))
        for day, stars in enumerate([4, 4, 5, 4, 2, 4, 4])
    ]
    _publish(shop("Other"), NOW, 4)

    def newest(wanted):
        with db.reading() as session:
            rows = session.execute(
                select(publications.c.review_id, publications.c.published_at)
            ).all()
            key = {row.review_id: (row.published_at, row.review_id) for row in rows}
            mine = [one for stars, one in ids if stars in wanted]
            return sorted(
                mine, key=lambda one: key[lookup.find_review(session, one).row_id], reverse=True
            )

    pages = _pages(made, "4")
    assert [len(page) for page in pages] == [2, 2, 1]
    assert list(chain(*pages)) == newest({4})
    assert list(chain(*_pages(made))) == newest({2, 4, 5})
    assert _pages(made, "2") == [newest({2})]
    assert _pages(made, "1") == [[]]
    assert _read(made, "4").score.count == 7  # what is shown does not change what is counted


def test_a_key_leads_on_after_its_review_was_withdrawn(installation, monkeypatch):
    monkeypatch.setattr(profile, "PAGE_SIZE", 2)
    made = shop()
    ids = [_publish(made, NOW - timedelta(days=day), 4) for day in range(4)]
    key = _read(made, "4").older

    with db.transaction() as session:
        withdraw.withdraw(session, ids[1], NOW)

    assert [line.public_id for line in _read(made, "4", key).lines] == ids[2:]


@pytest.mark.parametrize(
    ("stars", "before"),
    [
        *(
            (stars, "")
            for stars in ("0", "6", "-1", "4.0", "04", " 4", "\u0664", "x", "4,5", "4 OR 1")
        ),
        *(
            ("", key)
            for key in ("x", "1", "1-", "-1", "1-1-1", "9" * 15 + "-1", "1-1\n", "\u0661-\u0661")
        ),
        ("4", "x"),
    ],
)
def test_stars_and_keys_that_there_are_not_are_not_found(stars, before):
    with pytest.raises(NotFound):
        profile.parse_request(stars, before)


def test_nothing_asked_for_is_everything():
    assert profile.parse_request("", "") == profile.PageRequest(0, "")


def test_a_reply_comes_with_its_review(installation):
    made = shop()
    answered, silent = _publish(made, NOW, 2), _publish(made, NOW - timedelta(days=1), 4)
    with db.transaction() as session:
        reply.write_reply(session, answered, "Dat spijt ons.", "staff 1", NOW)

    lines = {line.public_id: line.reply for line in _read(made).lines}

    assert lines == {
        answered: reply.Reply("Dat spijt ons.", "en", NOW, None),
        silent: None,
    }


@pytest.mark.parametrize("how", ["withdraw", "freeze", "erase"])
def test_what_may_no_longer_be_shown_is_neither_shown_nor_counted(installation, how):
    made = shop()
    gone, kept = _publish(made, NOW, 1), _publish(made, NOW, 5)
    assert _read(made).score.count == 2

    with db.transaction() as session:
        row_id = lookup.find_review(session, gone).row_id
        match how:
            case "withdraw":
                withdraw.withdraw(session, gone, clock.now())
            case "freeze":
                personal_data.restrict_reviews(session, [row_id], clock.now())
            case "erase":
                personal_data.erase_reviews(session, [row_id], clock.now())

    found = _read(made)
    assert [line.public_id for line in found.lines] == [kept]
    assert found.score.histogram == (0, 0, 0, 0, 1)
    assert found.last_year.histogram == (0, 0, 0, 0, 1)
    assert _read(made, "1").lines == []


def test_the_public_page_states_the_rule_on_refunds(client):
    made = shop()

    for language, word in [("en", "partial refund"), ("nl", "gedeeltelijke terugbetaling")]:
        page = client.get(f"/s/{made.slug}", headers={"Accept-Language": language})
        assert word in page.text
