"""Scores are read from numbers that change with each publication, in its transaction."""

import random

import pytest
from sqlalchemy import delete, select, update

from tests.reviews.sample_reviews import review, shop
from tests.reviews.test_at_once import all_at_once
from trustsvc import clock
from trustsvc.badge import content
from trustsvc.reviews import correct, models, moderate, publish, star_counts, withdraw
from trustsvc.reviews.models import publications
from trustsvc.reviews.policy import ReviewInput
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases


def published(made, stars=4):
    public_id = review(made, stars=stars)
    with db.transaction() as session:
        moderate.approve(session, public_id, "staff 1", clock.now())
        publish.publish_approved(session, clock.now())
    return public_id


def differing():
    with db.reading() as session:
        return star_counts.differing(session)


def histogram(made):
    with db.reading() as session:
        return content.published_scores(session, [made.id])[made.id].histogram


def test_a_score_follows_publications_corrections_and_withdrawals(installation):
    dice, made = random.Random(7), [shop("A"), shop("B")]
    shown = [published(dice.choice(made), dice.randint(1, 5)) for _ in range(12)]

    for public_id in shown[:8]:
        with db.transaction() as session:
            if dice.random() < 0.5:
                withdraw.withdraw(session, public_id, clock.now())
            else:
                new = ReviewInput(1, "", "Toch niet.", "Ada", "", consent=True)
                correct.correct(session, public_id, new, clock.now())
        with db.transaction() as session:
            publish.publish_approved(session, clock.now())
        assert differing() == []

    with db.reading() as session:
        number = len(session.execute(select(publications)).all())
    assert sum(sum(histogram(one)) for one in made) == number >= 4


def test_an_approval_that_is_published_twice_counts_once(installation):
    made = shop()
    public_id = review(made, stars=5)
    with db.transaction() as session:
        moderate.approve(session, public_id, "staff 1", clock.now())

    all_at_once(*[lambda s: publish.publish_approved(s, clock.now())] * 3)

    assert histogram(made) == (0, 0, 0, 0, 1)


def test_many_at_once_count_each_and_none_waits_for_another_in_a_circle(installation):
    made = [shop("A"), shop("B")]
    shown = [published(one, stars) for one in made for stars in (1, 2, 3, 4, 5)]

    all_at_once(
        *[lambda s, one=one: withdraw.withdraw(s, one, clock.now()) for one in shown[:4]],
        lambda s: star_counts.recount(s, [one.id for one in reversed(made)]),
        *[lambda s, one=one: withdraw.withdraw(s, one, clock.now()) for one in shown[6:]],
    )

    assert differing() == []
    assert [histogram(one) for one in made] == [(0, 0, 0, 0, 1), (1, 0, 0, 0, 0)]


def test_a_number_that_went_wrong_is_found_and_counted_again(installation):
    made, other = shop("A"), shop("B")
    published(made, 3)
    published(made, 3)
    published(other, 5)
    with db.transaction() as session:
        session.execute(
            update(models.star_counts)
            .where(models.star_counts.c.shop_id == made.id)
            .values(number=9)
        )
        session.execute(delete(models.star_counts).where(models.star_counts.c.shop_id == other.id))

    assert differing() == [made.id, other.id]
    with db.transaction() as session:
        star_counts.recount(session, [made.id, other.id])

    assert differing() == []
    assert histogram(made) == (0, 0, 2, 0, 0)
    assert histogram(other) == (0, 0, 0, 0, 1)
