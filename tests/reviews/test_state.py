from itertools import product

import pytest
from sqlalchemy import CheckConstraint, select
from sqlalchemy.exc import IntegrityError

from tests.reviews.sample_reviews import review, shop
from trustsvc import clock
from trustsvc.reviews import correct, moderate, personal_data, publish, withdraw
from trustsvc.reviews.models import reviews
from trustsvc.reviews.policy import ReviewInput
from trustsvc.reviews.state import MAY_CHANGE, ReviewState, review_states
from trustsvc.storage import db
from trustsvc.storage.state_machine import IllegalTransition

pytestmark = pytest.mark.both_databases

OTHER = ReviewInput(2, "Toch niet", "Slot kapot.", "Ada", "", consent=True)
PAIRS = list(product(ReviewState, ReviewState))
LEGAL = [pair for pair in PAIRS if pair[1] in review_states.transitions[pair[0]]]
ILLEGAL = [pair for pair in PAIRS if pair not in LEGAL]


def _run(use_case, *args):
    with db.transaction() as session:
        return use_case(session, *args)


def _row():
    with db.reading() as session:
        return session.execute(select(reviews)).one()


def _begin(state):
    """Write one review and bring it into this state by the use cases alone."""
    public_id, now = review(shop()), clock.now()
    if state in {ReviewState.APPROVED, ReviewState.PUBLISHED}:
        _run(moderate.approve, public_id, "staff 1", now)
    if state is ReviewState.PUBLISHED:
        _run(publish.publish_approved, now)
    if state is ReviewState.REJECTED:
        _run(moderate.reject, public_id, "spam", "staff 1", now)
    if state is ReviewState.WITHDRAWN:
        _run(withdraw.withdraw, public_id, now)
    assert _row().state == state
    return _row()


def _move(before, row, after):
    now = clock.now()
    if before is ReviewState.PUBLISHED and after is ReviewState.APPROVED:
        _run(personal_data.restrict_reviews, [row.id], now)
        _run(personal_data.lift_review_restriction, [row.id])
    elif after is ReviewState.APPROVED:
        _run(moderate.approve, row.id, "staff 1", now)
    elif after is ReviewState.REJECTED:
        _run(moderate.reject, row.id, "spam", "staff 1", now)
    elif after is ReviewState.PUBLISHED:
        _run(publish.publish_approved, now)
    elif after is ReviewState.WITHDRAWN:
        _run(withdraw.withdraw, row.id, now)
    else:
        _run(correct.correct, row.id, OTHER, now)


@pytest.mark.parametrize(("before", "after"), LEGAL)
def test_a_use_case_makes_each_transition_of_the_table(installation, before, after):
    row = _begin(before)

    _move(before, row, after)

    assert _row().state == after


@pytest.mark.parametrize(("before", "after"), ILLEGAL)
def test_a_transition_outside_the_table_raises(before, after):
    with pytest.raises(IllegalTransition, match=f"review: {before} -> {after}"):
        review_states.update(reviews, [before], after)


def test_an_author_may_change_a_review_until_it_is_withdrawn():
    assert set(ReviewState) - set(MAY_CHANGE) == {ReviewState.WITHDRAWN}


def test_the_table_accepts_only_known_states(installation):
    checks = [str(one.sqltext) for one in reviews.constraints if isinstance(one, CheckConstraint)]
    assert "state IN ('pending', 'approved', 'published', 'rejected', 'withdrawn')" in checks

    review(shop())
    with db.transaction() as session:
        with pytest.raises(IntegrityError):
            session.execute(reviews.update().values(state="lost"))
        session.rollback()
