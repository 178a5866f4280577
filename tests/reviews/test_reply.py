import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests.reviews.sample_reviews import review, shop
from trustsvc import clock
from trustsvc.errors import NotFound, Refused
from trustsvc.reviews import (
    correct,
    lookup,
    moderate,
    personal_data,
    policy,
    publish,
    reply,
    withdraw,
)
from trustsvc.reviews.models import replies, reviews
from trustsvc.reviews.policy import ReviewInput
from trustsvc.shops.models import shops
from trustsvc.storage import db, event_log
from trustsvc.work_queue import job_queue

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

OTHER = ReviewInput(2, "Toch niet", "Slot kapot.", "Ada", "", consent=True)


def _published(where=None):
    public_id = review(where or shop())
    with db.transaction() as session:
        moderate.approve(session, public_id, "staff 1", clock.now())
        publish.publish_approved(session, clock.now())
    return public_id


def _reply(public_id, text="Dank u wel.", at=None):
    with db.transaction() as session:
        return reply.write_reply(session, public_id, text, "staff 1", at or clock.now())


def _replies():
    with db.reading() as session:
        return session.execute(select(replies)).all()


def _row_id(public_id):
    with db.reading() as session:
        return lookup.find_review(session, public_id).row_id


def test_a_shop_replies_in_its_own_language_and_the_badges_files_follow(installation):
    made = shop()
    with db.transaction() as session:
        session.execute(update(shops).values(language="fr"))
    public_id, enqueued, now = _published(made), [], clock.now().replace(microsecond=0)

    with job_queue.capture(enqueued.append):
        assert _reply(public_id, "  Merci <b>beaucoup</b>\r\n\n\n\u202eà bientôt ", now)

    (written,) = _replies()
    assert written.text == "Merci <b>beaucoup</b>\n\nà bientôt"
    assert (written.language, written.replied_by) == ("fr", "staff 1")
    assert (written.replied_at, written.changed_at) == (now, None)
    assert enqueued == ["refresh_badges"]


def test_a_review_has_one_reply_and_a_change_says_when(installation):
    public_id, first = _published(), clock.now().replace(microsecond=0)
    later = first + timedelta(days=1)
    _reply(public_id, "Dank u wel.", first)
    enqueued = []

    with job_queue.capture(enqueued.append):
        assert not _reply(public_id, "Dank u wel.\n", later)
        assert _reply(public_id, "Dank, en tot ziens.", later)

    (written,) = _replies()
    assert (written.text, written.replied_at, written.changed_at) == (
        "Dank, en tot ziens.",
        first,
        later,
    )
    assert enqueued == ["refresh_badges", "scrub"]


def test_a_removed_reply_is_gone_and_twice_does_no_harm(installation):
    public_id = _published()
    _reply(public_id)

    with db.transaction() as session:
        done = [reply.remove_reply(session, public_id, clock.now()) for _ in range(2)]

    assert (done, _replies()) == ([True, False], [])
    with db.reading() as session:
        kinds = session.scalars(
            select(event_log.events.c.kind).order_by(event_log.events.c.id)
        ).all()
    assert kinds[-2:] == ["review.replied", "review.reply_removed"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\u200b ",
        "a" * (policy.MAX_REPLY + 1),
        "Wij schreven aan BUYER@mail.example.",
        "Uw bestelling 1001: excuses.",
    ],
)
def test_a_reply_that_says_nothing_too_much_or_whose_buyer_it_was_is_refused(installation, text):
    public_id = _published()

    with pytest.raises(Refused) as refused:
        _reply(public_id, text)

    assert "1001" not in refused.value.detail
    assert "@" not in refused.value.detail
    assert _replies() == []


def test_nobody_replies_to_what_is_not_there(installation):
    shop()

    with pytest.raises(NotFound):
        _reply("0123456789abcdef")


@pytest.mark.parametrize("state", ["pending", "rejected", "withdrawn", "frozen"])
def test_nobody_replies_to_a_review_that_is_not_shown(installation, state):
    public_id = review(shop()) if state in {"pending", "rejected"} else _published()
    with db.transaction() as session:
        if state == "rejected":
            moderate.reject(session, public_id, "spam", "staff 1", clock.now())
        if state == "withdrawn":
            withdraw.withdraw(session, public_id, clock.now())
        if state == "frozen":
            one = lookup.find_review(session, public_id).row_id
            personal_data.restrict_reviews(session, [one], clock.now())

    assert not _reply(public_id)
    assert _replies() == []


@pytest.mark.parametrize("how", ["withdraw", "correct", "anonymise", "unpublishable"])
def test_a_reply_ends_with_the_words_or_the_author_it_answers(installation, how):
    kept, gone = _published(), _published(shop("Other"))
    for public_id in (kept, gone):
        _reply(public_id)
    row_id, now = _row_id(gone), clock.now() + timedelta(seconds=1)

    enqueued = []
    with job_queue.capture(enqueued.append), db.transaction() as session:
        match how:
            case "withdraw":
                withdraw.withdraw(session, gone, now)
            case "correct":
                correct.correct(session, gone, OTHER, now)
            case "anonymise":
                personal_data.erase_reviews(session, [row_id], now, anonymous=True)
            case "unpublishable":
                mine = reviews.c.id == row_id
                session.execute(update(reviews).where(mine).values(state="withdrawn"))
                publish.take_down_unpublishable(session, now)

    assert [one.review_id for one in _replies()] == [_row_id(kept)]
    assert "scrub" in enqueued


def test_a_reply_outlasts_a_restriction_of_its_review_unseen(installation, client):
    where = shop()
    public_id = _published(where)
    _reply(public_id, "Dank u wel, tot gauw.")
    row_id = _row_id(public_id)
    path = f"/s/{where.slug}"
    assert "tot gauw" in client.get(path).text

    with db.transaction() as session:
        personal_data.restrict_reviews(session, [row_id], clock.now())
        publish.take_down_unpublishable(session, clock.now())
    assert "tot gauw" not in client.get(path).text

    with db.transaction() as session:
        personal_data.lift_review_restriction(session, [row_id])
        publish.take_down_unpublishable(session, clock.now())
        publish.publish_approved(session, clock.now())
    assert "tot gauw" in client.get(path).text


def test_its_author_sees_the_reply_in_the_copy_of_all_data(installation):
    public_id = _published()
    _reply(public_id)

    with db.reading() as session:
        rows = personal_data.review_rows(session, [_row_id(public_id)])

    assert [row["text"] for row in rows["replies"]] == ["Dank u wel."]


@pytest.mark.slow
def test_a_reply_written_while_its_review_is_withdrawn_does_not_stay(installation):
    for _ in range(8):
        public_id = _published(shop())
        start = threading.Barrier(2)

        def run(action, *args, start=start):
            start.wait()
            with job_queue.capture([].append), db.transaction() as session:
                action(session, *args, clock.now())

        deeds = [(reply.write_reply, public_id, "Dank.", "staff 1"), (withdraw.withdraw, public_id)]
        threads = [threading.Thread(target=run, args=deed) for deed in deeds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert _replies() == []


@pytest.mark.parametrize(
    ("text", "secrets", "problem"),
    [
        ("Dank!", [], ""),
        ("", [], "missing"),
        ("a" * 2000, [], ""),
        ("a" * 2001, [], "long"),
        ("Order A-17/2 is onderweg", ["a-17/2"], "names_the_buyer"),
        ("Order A-17/22 is onderweg", ["A-17/2"], ""),
        ("Prijs 100010 euro", ["1000"], ""),
        ("Maat 100", ["100"], ""),
        ("#1000.", ["1000"], "names_the_buyer"),
        ("aan jan@mail.example", ["Jan@Mail.example"], "names_the_buyer"),
    ],
)
def test_what_is_wrong_with_a_reply_has_a_code(text, secrets, problem):
    assert policy.reply_problem(text, secrets) == problem
