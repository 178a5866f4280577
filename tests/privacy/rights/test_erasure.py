import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.invitations import sample_orders
from tests.invitations.sample_orders import NOON, Post, quiet
from tests.privacy.rights import my_data_pages
from tests.waiting import PATIENCE_S
from trustsvc import clock
from trustsvc.errors import Gone
from trustsvc.invitations import redeem, unsubscribe
from trustsvc.mail.maildir import MaildirTransport
from trustsvc.mail.message import Message
from trustsvc.mail.transport import message_id
from trustsvc.orders.models import orders
from trustsvc.privacy import receipts
from trustsvc.privacy.retention import purge
from trustsvc.privacy.rights import people
from trustsvc.privacy.rights.erasure import ErasureOptions, erase
from trustsvc.registry import registration
from trustsvc.registry.models import opt_outs
from trustsvc.reviews import correct, moderate, personal_data, publish, submit
from trustsvc.reviews.models import reviews
from trustsvc.reviews.policy import ReviewInput
from trustsvc.storage import db, suppression_journal
from trustsvc.transactional_mail.models import transactional_messages

pytestmark = pytest.mark.both_databases


@pytest.fixture(autouse=True)
def noon():
    with clock.at(NOON):
        yield


def held():
    """Everything in the database that could lead to a buyer or an author."""
    with db.reading() as session:
        placed = session.execute(
            select(orders.c.email, orders.c.name, orders.c.reference, orders.c.buyer_pseudonym)
        )
        written = session.execute(
            select(reviews.c.email, reviews.c.name, reviews.c.city, reviews.c.buyer_pseudonym)
        )
        asked = session.execute(
            select(transactional_messages.c.address).where(
                transactional_messages.c.template != "erased"
            )
        )
        return [
            value for rows in (placed, written, asked) for row in rows for value in row if value
        ]


def test_everything_that_leads_to_the_person_goes_with_a_signed_receipt(client):
    order_id = my_data_pages.reviewed(sample_orders.shop())

    answer = my_data_pages.post(client, order_id, "erase")

    assert answer.status_code == 200
    assert held() == []
    assert my_data_pages.published() == []
    with db.reading() as session:
        assert receipts.verify(session)
        (receipt,) = receipts.newest(session, 5)
        (signature,) = [s.hex()[:16] for _, _, s in receipts.chain(session)]
    assert (receipt.what, receipt.number) == ("erasure", 2)
    assert signature in answer.text
    (email_message,) = my_data_pages.mailed()
    assert email_message.to_address == my_data_pages.JAN
    assert signature in email_message.text
    with db.reading() as session:
        assert session.scalars(select(transactional_messages.c.address)).all() == [None]
    assert my_data_pages.register() == [("erase", "done", "person")]


def test_a_published_review_can_stay_without_its_author(client):
    order_id = my_data_pages.reviewed(sample_orders.shop())

    my_data_pages.post(client, order_id, "erase", review="anonymous")

    (line,) = my_data_pages.published()
    assert (line.name, line.city, line.text, line.stars) == ("", "", my_data_pages.TEXT, 5)
    assert held() == []
    assert my_data_pages.review().invitation_id is None
    page = client.get("/s/bakfiets-co", headers={"Accept-Language": "en"}).text
    assert "Name removed on request" in page
    assert "Jan J." not in page


def test_a_correction_that_comes_too_late_names_no_author_again(client):
    order_id = my_data_pages.reviewed(sample_orders.shop())
    public_id = my_data_pages.review().public_id
    my_data_pages.post(client, order_id, "erase", review="anonymous")

    review = ReviewInput(5, "", my_data_pages.TEXT, "Jan J.", "Delft", consent=True)
    with pytest.raises(Gone), db.transaction() as session:
        correct.correct(session, public_id, review, NOON)

    (line,) = my_data_pages.published()
    assert (line.name, my_data_pages.review().name) == ("", "")


def test_a_review_nobody_has_read_does_not_stay(client):
    order_id = my_data_pages.reviewed(sample_orders.shop(), published=False)

    my_data_pages.post(client, order_id, "erase", review="anonymous")

    assert (my_data_pages.review().state, my_data_pages.review().text) == ("withdrawn", "")


def test_a_childs_data_goes_everywhere_without_a_question(client):
    first, second = sample_orders.shop(), sample_orders.shop(name="Other")
    my_data_pages.reviewed(second)
    order_id = my_data_pages.reviewed(first)
    with db.transaction() as session:
        registration.register(session, my_data_pages.JAN, "v1", "page", NOON)

    my_data_pages.post(client, order_id, "erase", child="yes", review="anonymous")

    assert held() == []
    assert my_data_pages.published() == []
    assert ("child", "done", "person") in my_data_pages.register()
    assert not any(my_data_pages.person().orders)


def test_other_shops_and_other_people_keep_what_is_theirs(client):
    mine, other = sample_orders.shop(), sample_orders.shop(name="Other")
    order_id = sample_orders.invited(mine)
    stays = sample_orders.invited(other)
    neighbour = sample_orders.invited(mine, email="piet@mail.example")

    my_data_pages.post(client, order_id, "erase")

    assert sample_orders.order_row(order_id).email is None
    assert sample_orders.order_row(stays).email == my_data_pages.JAN
    assert sample_orders.order_row(neighbour).email == "piet@mail.example"


@pytest.mark.parametrize(
    "again",
    [
        {"identity": "order-x"},
        {"identity": "order-y"},
        {"identity": "order-y", "email": " JAN@Mail.example "},
    ],
)
def test_the_erased_person_stays_out(client, again):
    shop = sample_orders.shop()
    order_id = sample_orders.invited(shop, identity="order-x")
    my_data_pages.post(client, order_id, "erase")

    sample_orders.place(shop, **again)
    sample_orders.planned()

    assert sample_orders.sent_invitations().messages == []
    with db.reading() as session:
        assert session.scalars(select(orders.c.email)).all().count(None) >= 1
        assert [x for x in session.scalars(select(orders.c.email)) if x] == []


def test_erased_everywhere_stays_out_at_a_shop_that_comes_later(client):
    order_id = sample_orders.invited(sample_orders.shop())
    my_data_pages.post(client, order_id, "erase", everywhere="yes")

    sample_orders.invited(sample_orders.shop(name="New"), email="JAN@mail.example")

    assert sample_orders.sent_invitations().messages == []
    with db.reading() as session:
        assert [row.shop_id for row in session.execute(select(opt_outs))] == [0]
    assert [line.reason for line in suppression_journal.read().lines] == ["erasure"]


def test_a_message_that_is_being_sent_does_not_leave(installation):
    order_id = sample_orders.invited(sample_orders.shop())

    def erase_meanwhile():
        with quiet(), db.transaction() as session:
            erase(session, my_data_pages.person(order_id), ErasureOptions(), NOON)

    post = sample_orders.sent_invitations(Post(meanwhile=erase_meanwhile))

    assert post.messages == []
    assert sample_orders.message_of(order_id).state == "dropped"
    assert held() == []


def test_twice_is_the_same_answer_without_a_second_receipt(client):
    order_id = sample_orders.invited(sample_orders.shop())

    first, second = (
        my_data_pages.post(client, order_id, "erase"),
        my_data_pages.post(client, order_id, "erase"),
    )

    assert (first.status_code, second.status_code) == (200, 200)
    with db.reading() as session:
        assert len(receipts.newest(session, 9)) == 1
    assert len(my_data_pages.mailed()) == 1


@pytest.mark.slow
def test_a_hundred_at_once_are_one_erasure(app):
    order_id = my_data_pages.reviewed(sample_orders.shop())
    where, answers = my_data_pages.path(order_id, "erase"), []

    def run():
        with quiet():
            answers.append(app.test_client().post(where).status_code)

    threads = [threading.Thread(target=run) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(answers) <= {200, 503}
    assert 200 in answers
    assert held() == []
    with db.reading() as session:
        assert receipts.verify(session)
        assert len(receipts.newest(session, 9)) == 1


def test_messages_in_the_maildir_go_too_when_the_address_was_erased_before(client, installation):
    shop = sample_orders.shop()
    order_id = sample_orders.invited(shop)
    sample_orders.invited(shop, email="piet@mail.example")
    sample_orders.sent_invitations(
        MaildirTransport(f"maildir:{installation.data}/mail", "reviews@mail.example")
    )
    with quiet(), db.transaction() as session:
        unsubscribe.unsubscribe(
            session, redeem.find(session, my_data_pages.link(order_id)), NOON, everywhere=False
        )

    my_data_pages.post(client, order_id, "erase")

    (left,) = (installation.data / "mail" / "new").iterdir()
    assert b"piet@mail.example" in left.read_bytes()


def test_a_review_that_is_being_written_meanwhile_is_erased_too(installation):
    order_id = sample_orders.invited(sample_orders.shop())
    link = my_data_pages.link(order_id)
    looked_up = threading.Event()

    def erase_meanwhile():
        with clock.at(NOON), quiet(), db.transaction() as session:
            person = people.by_link(session, link, NOON)
            looked_up.set()
            erase(session, person, ErasureOptions(), NOON)

    with quiet(), db.transaction() as session:
        review = ReviewInput(5, "", my_data_pages.TEXT, "Jan J.", "Delft", consent=True)
        submit.submit(session, link, review, NOON)
        erasing = threading.Thread(target=erase_meanwhile)
        erasing.start()
        if not db.is_sqlite():  # where the one writer is this one
            assert looked_up.wait(PATIENCE_S)
    erasing.join()

    assert held() == []
    assert (my_data_pages.review().state, my_data_pages.review().text) == ("withdrawn", "")


def test_messages_in_the_maildir_go_too(client, installation):
    order_id = sample_orders.invited(sample_orders.shop())
    box = MaildirTransport(f"maildir:{installation.data}/mail", "reviews@mail.example")
    for to in (my_data_pages.JAN, "piet@mail.example"):
        email_message = Message(
            to, "Jän", "Shop", "Hallo", "tekst", "<p>tekst", message_id(b"x"), NOON
        )
        box.send(email_message, lambda: None)

    my_data_pages.post(client, order_id, "erase")

    left = [path.read_bytes() for path in (installation.data / "mail").rglob("*") if path.is_file()]
    assert [b"piet@mail.example" in one for one in left] == [True]


def test_looking_changes_nothing(client):
    order_id = my_data_pages.reviewed(sample_orders.shop())

    for _ in range(2):
        assert client.get(my_data_pages.path(order_id, "erase")).status_code == 200
        assert client.head(my_data_pages.path(order_id, "erase")).status_code == 200

    assert len(my_data_pages.published()) == 1
    assert my_data_pages.register() == []


def test_a_restricted_person_can_erase(client):
    order_id = my_data_pages.reviewed(sample_orders.shop())
    my_data_pages.post(client, order_id, "restrict")

    my_data_pages.post(client, order_id, "erase")

    assert held() == []
    assert my_data_pages.published() == []


def test_a_restricted_review_that_may_stay_is_shown_again_without_its_author(client):
    order_id = my_data_pages.reviewed(sample_orders.shop(), now=NOON - timedelta(days=3))
    (before,) = my_data_pages.published()
    my_data_pages.post(client, order_id, "restrict")

    my_data_pages.post(client, order_id, "erase", review="anonymous")

    assert held() == []
    (line,) = my_data_pages.published()
    assert (line.name, line.city, line.text, line.verified) == ("", "", my_data_pages.TEXT, True)
    assert line.published_at == before.published_at


def test_after_an_erasure_the_link_says_that_nothing_is_kept(client):
    order_id = sample_orders.invited(sample_orders.shop())
    my_data_pages.post(client, order_id, "erase")

    page = client.get(my_data_pages.path(order_id)).text

    assert "Jan Jansen" not in page
    assert "Wordt niet meer bewaard" in page


@pytest.mark.parametrize("database", ["sqlite"])
def test_no_byte_of_the_person_is_left_in_any_file(client, installation, database):
    order_id = my_data_pages.reviewed(
        sample_orders.shop(), name="Xaveria Zwaluwstaart", email="xz@zwaluw.example"
    )
    with quiet(), db.transaction() as session:
        session.execute(reviews.update().values(name="Xaveria Z.", city="Zwaluwdorp"))
        publish.take_down(session, [my_data_pages.review().id], NOON)
        session.execute(reviews.update().values(state="approved"))
        publish.publish_approved(session, NOON)

    words = (b"Xaveria Z", b"Zwaluwdorp", b"Zwaluwstaart", b"xz@zwaluw")

    def found():
        files = [path.read_bytes() for path in installation.data.rglob("*") if path.is_file()]
        return [word for word in words if any(word in file for file in files)]

    before = found()
    my_data_pages.post(client, order_id, "erase")
    with quiet():
        purge.purge_due(NOON)

    assert (before, found()) == ([b"Xaveria Z", b"Zwaluwdorp"], [])


def erased_by_staff(order_id):
    with quiet(), db.transaction() as session:
        options = ErasureOptions(anonymous=False, child=True, by="command line")
        return erase(session, my_data_pages.person(order_id), options, NOON)


def test_staff_cannot_make_a_review_vanish(client):
    order_id = my_data_pages.reviewed(sample_orders.shop())

    assert erased_by_staff(order_id).reviews == 1

    (line,) = my_data_pages.published()
    assert (line.name, line.city, line.text, line.stars) == ("", "", my_data_pages.TEXT, 5)
    assert held() == []


def test_a_pending_review_is_decided_on_after_its_author_was_erased_by_staff(client):
    order_id = my_data_pages.reviewed(sample_orders.shop(), published=False)
    erased_by_staff(order_id)

    with quiet(), db.transaction() as session:
        assert moderate.approve(session, my_data_pages.review().public_id, "staff 1", NOON)

    (line,) = my_data_pages.published()
    assert (line.name, line.text, line.verified) == ("", my_data_pages.TEXT, True)
    assert held() == []


@pytest.mark.parametrize("state", ["approved", "rejected"])
def test_what_was_decided_stays_decided_after_an_erasure_by_staff(client, state):
    order_id = my_data_pages.reviewed(sample_orders.shop(), published=False)
    with quiet(), db.transaction() as session:
        session.execute(reviews.update().values(state=state, consent=False))

    erased_by_staff(order_id)
    erased_by_staff(order_id)

    assert (my_data_pages.review().state, my_data_pages.review().text) == (
        state,
        my_data_pages.TEXT,
    )
    assert held() == []


@pytest.mark.parametrize("published", [True, False])
def test_a_restricted_review_is_decided_on_after_an_erasure_by_staff(client, published):
    order_id = my_data_pages.reviewed(sample_orders.shop(), published=published)
    my_data_pages.post(client, order_id, "restrict")

    erased_by_staff(order_id)

    assert my_data_pages.review().restricted_at is None
    assert len(my_data_pages.published()) == int(published)
    assert held() == []


def test_the_date_of_publication_outlives_two_restrictions(client):
    order_id = my_data_pages.reviewed(sample_orders.shop(), now=NOON - timedelta(days=3))
    (before,) = my_data_pages.published()
    with quiet(), db.transaction() as session:
        ids = [my_data_pages.review().id]
        for _ in range(2):
            personal_data.restrict_reviews(session, ids, NOON)
            personal_data.lift_review_restriction(session, ids)

    assert order_id
    assert [line.published_at for line in my_data_pages.published()] == [before.published_at]
