import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from tests.reviews.sample_reviews import invitation, order, shop
from trustsvc import clock
from trustsvc.errors import Gone, NotFound
from trustsvc.invitations.models import invitations
from trustsvc.orders import decision_log
from trustsvc.orders.models import orders
from trustsvc.reviews import lookup, submit
from trustsvc.reviews.models import reviews
from trustsvc.reviews.policy import ReviewInput
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases

REVIEW = ReviewInput(4, "Snel", "Goed.", "Ada L.", "Delft", consent=True)


def _submit(link, review=REVIEW, at=None):
    with db.transaction() as session:
        return submit.submit(session, link, review, at or clock.now())


def _row():
    with db.reading() as session:
        return session.execute(select(reviews)).one()


def test_a_review_is_written_and_its_invitation_is_used_up(installation):
    made = shop()
    order_id = order(made)
    invited, link = invitation(made, order_id)

    public_id = _submit(link)

    with db.reading() as session:
        review = lookup.find_review(session, public_id)
        state = session.scalar(select(invitations.c.state).where(invitations.c.id == invited))
        lines = [(line.step, line.outcome) for line in decision_log.of_order(session, order_id)]
    assert (review.state, review.stars, review.name, review.city) == (
        "pending",
        4,
        "Ada L.",
        "Delft",
    )
    assert state == "redeemed"
    assert lines == [("redeem", "redeemed")]


def test_address_reference_and_pseudonym_move_from_the_order_to_the_review(installation):
    made = shop()
    order_id = order(made)
    _submit(invitation(made, order_id)[1])

    row = _row()
    with db.reading() as session:
        left = session.execute(
            select(orders.c.email, orders.c.name, orders.c.reference).where(orders.c.id == order_id)
        ).one()
    found = (row.email, row.reference, row.buyer_pseudonym)
    assert found == ("buyer@mail.example", "1001", b"\x01\x01mark")
    assert tuple(left) == (None, None, None)


def test_many_posts_at_once_make_one_review_and_all_learn_its_id(installation):
    made = shop()
    _, link = invitation(made, order(made))
    start, ids, problems = threading.Barrier(8), [], []

    def post(number):
        start.wait()
        try:
            ids.append(
                _submit(link, ReviewInput(1 + number % 5, "", str(number), "A", "", consent=True))
            )
        except Exception as problem:  # noqa: BLE001 - whatever it is, it is shown below
            problems.append(problem)

    threads = [threading.Thread(target=post, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(reviews)) == 1
    assert problems == []
    assert len(ids) == 8
    assert len(set(ids)) == 1


@pytest.mark.parametrize(("state", "days"), [("withdrawn", 0), ("redeemed", 0), ("open", 91)])
def test_an_invitation_that_is_over_opens_nothing(installation, state, days):
    made = shop()
    _, link = invitation(made, order(made), state=state)

    with pytest.raises(Gone):
        _submit(link, at=clock.now() + timedelta(days=days))

    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(reviews)) == 0


def test_a_link_we_never_made_opens_nothing(installation):
    with pytest.raises(NotFound):
        _submit(b"\x00" * 16)


def test_a_buyer_who_was_already_forgotten_can_still_write(installation):
    made = shop()
    _submit(invitation(made, order(made, email=None, name=None, reference=None))[1])

    assert (_row().email, _row().reference) == (None, None)
