"""Tests:
trustsvc/transactional_mail/compose.py
"""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.invitations.sample_orders import NOON, Post, quiet
from trustsvc.mail.message import DeliveryResult, DeliveryStatus
from trustsvc.storage import db
from trustsvc.transactional_mail import personal_data
from trustsvc.transactional_mail.enqueue import MOST_A_DAY, Note, write
from trustsvc.transactional_mail.models import correspondence
from trustsvc.transactional_mail.send import LEASE, send

pytestmark = pytest.mark.both_databases

LINK = "https://reviews.example/me/abc"
HOUR = timedelta(hours=1)


def asked(address="jan@example.com", now=NOON, **more):
    note = Note(
        **{"kind": "my_data_link", "language": "nl", "address": address, "name": "Jan"} | more,
        facts={"link": LINK},
    )
    with quiet(), db.transaction() as session:
        return write(session, note, now)


def sent(post=None, now=NOON):
    post = post or Post()
    with quiet():
        while send(db.transaction, post, lambda: now):
            pass
    return post


def rows():
    with db.reading() as session:
        return session.execute(select(correspondence).order_by(correspondence.c.id)).all()


def test_a_letter_is_sent_once_and_forgets_whom_it_was_for(installation):
    asked()

    post = sent()
    again = sent()

    (letter,) = post.letters
    assert (letter.to_address, letter.to_name) == ("jan@example.com", "Jan")
    assert LINK in letter.text
    assert LINK in letter.html
    assert again.letters == []
    (row,) = rows()
    assert (row.state, row.address, row.name, row.facts) == ("sent", None, None, None)


@pytest.mark.parametrize("language", ["nl", "de", "en", "fr"])
def test_it_is_written_in_every_language(installation, language):
    asked(language=language)

    (letter,) = sent().letters

    assert f'lang="{language}"' in letter.html
    assert "{" not in letter.subject + letter.text


def test_hostile_names_are_inert(installation):
    asked(name="<b>Jan</b>\r\nBcc: x@example.com {shop} {{ 7*7 }}")

    (letter,) = sent().letters

    assert "<b>Jan" not in letter.html
    assert "\n" not in letter.to_name
    assert "{shop} {{ 7*7 }}" in letter.text


def test_one_address_is_written_to_so_many_times_a_day(installation):
    taken = [asked("JAN@example.com" if number % 2 else "jan@example.com") for number in range(5)]
    tomorrow = asked(now=NOON + timedelta(days=1, seconds=1))

    assert taken == [True] * MOST_A_DAY + [False] * (5 - MOST_A_DAY)
    assert tomorrow
    assert asked("other@example.com")


def test_a_temporary_refusal_is_tried_again_with_the_same_name(installation):
    asked()
    first = sent(Post(DeliveryResult(DeliveryStatus.DEFERRED, "smtp_451")))
    second = sent(now=NOON + HOUR)

    assert first.letters[0].message_id == second.letters[0].message_id
    assert rows()[0].state == "sent"


def test_it_is_not_tried_for_ever_and_then_holds_nobody(installation):
    asked()
    sent(Post(DeliveryResult(DeliveryStatus.DEFERRED, "smtp_451")))

    sent(Post(DeliveryResult(DeliveryStatus.DEFERRED, "smtp_451")), now=NOON + timedelta(hours=73))

    assert (rows()[0].state, rows()[0].address) == ("gave_up", None)


def test_a_refused_address_is_forgotten(installation):
    asked()

    sent(Post(DeliveryResult(DeliveryStatus.REFUSED, "smtp_550")))

    assert (rows()[0].state, rows()[0].address) == ("refused", None)


def test_a_sender_that_died_leaves_a_letter_that_is_sent_after_its_lease(installation):
    asked()

    class Crash(BaseException):
        pass

    def crash():
        raise Crash

    with pytest.raises(Crash):
        sent(Post(meanwhile=crash))
    early, late = sent(), sent(now=NOON + LEASE)

    assert (early.letters, len(late.letters)) == ([], 1)


def test_senders_at_once_send_each_letter_once(installation):
    for number in range(6):
        asked(f"b{number}@example.com")
    posts = [Post(), Post(), Post()]
    threads = [threading.Thread(target=sent, args=[post]) for post in posts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    got = sorted(letter.to_address for post in posts for letter in post.letters)
    assert got == [f"b{number}@example.com" for number in range(6)]


def test_a_mail_server_that_is_away_is_asked_once(installation):
    for number in range(3):
        asked(f"b{number}@example.com")

    post = sent(Post(*[DeliveryResult(DeliveryStatus.DEFERRED, "no_connection")] * 3))

    assert len(post.letters) == 1
    assert [row.state for row in rows()] == ["due"] * 3


def test_a_letter_whose_person_was_erased_while_it_was_being_sent_does_not_leave(installation):
    asked()
    asked("eva@example.com")

    def erase():
        with quiet(), db.transaction() as session:
            personal_data.erase_mail(session, personal_data.recipient_pseudonyms("jan@example.com"))

    post = sent(Post(meanwhile=erase))

    assert [letter.to_address for letter in post.letters] == ["eva@example.com"]
    assert [row.state for row in rows()] == ["sent"]
