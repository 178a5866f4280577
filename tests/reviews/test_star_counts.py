"""Scores are read from numbers that change with each publication, in its transaction.

Also tests:
trustsvc/reviews/count_models.py
"""

import contextlib
import random
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select, update

from tests.reviews.sample_reviews import review, shop
from tests.reviews.test_at_once import all_at_once
from trustsvc import clock
from trustsvc.badge import content, score
from trustsvc.errors import Gone
from trustsvc.reviews import correct, count_models, lookup, moderate, publish, star_counts, withdraw
from trustsvc.reviews.models import publications
from trustsvc.reviews.policy import ReviewInput
from trustsvc.storage import db
from trustsvc.storage.columns import EPOCH

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


DAY = timedelta(days=1)


def counted_one_by_one(made, since):
    table = publications.c
    with db.reading() as session:
        rows = session.execute(
            select(table.stars, func.count())
            .where(table.shop_id == made.id, table.published_at >= since)
            .group_by(table.stars)
        )
        return {row[0]: row[1] for row in rows}


def read_since(made, since):
    with db.reading() as session:
        found = star_counts.read_since(session, made.id, since)
    return {stars: number for stars, number in found.items() if number}


def step(dice, made, shown, moment):
    """Do something that a review may live through, at a moment."""
    kind = (
        dice.choice(["publish"] * 4 + ["withdraw", "correct", "restrict"]) if shown else "publish"
    )
    with db.transaction() as session:
        if kind == "withdraw":
            withdraw.withdraw(session, dice.choice(shown), moment)
        elif kind == "correct":
            new = ReviewInput(dice.randint(1, 5), "", "Toch niet.", "Ada", "", consent=True)
            with contextlib.suppress(Gone):
                correct.correct(session, one := dice.choice(shown), new, moment)
                moderate.approve(session, one, "staff 1", moment)
        elif kind == "restrict":
            row_id = lookup.find_review(session, dice.choice(shown)).row_id
            publish.take_down(session, [row_id], moment)
    if kind == "publish":
        shown.append(review(dice.choice(made), stars=dice.randint(1, 5)))
        with db.transaction() as session:
            moderate.approve(session, shown[-1], "staff 1", moment)
    with db.transaction() as session:
        publish.publish_approved(session, moment)


@pytest.mark.parametrize("seed", range(4))
def test_the_stars_since_any_moment_are_those_counted_one_by_one(installation, seed):
    dice, made, shown = random.Random(seed), [shop("A"), shop("B")], []
    end = clock.now()
    moments = []
    for _ in range(25):
        # Some exactly on the border of a day, some of one day, some of years.
        moment = end - dice.choice([DAY / 3, 3 * DAY, 500 * DAY]) * dice.random()
        if dice.random() < 0.3:
            moment = EPOCH + ((moment - EPOCH) // DAY) * DAY
        moments.append(moment)
        step(dice, made, shown, moment)
    since = [*moments, *(one + timedelta(milliseconds=1) for one in moments), EPOCH, end + DAY]
    since += [score.year_before(end, zone) for zone in ("Europe/Amsterdam", "Asia/Kolkata", "UTC")]

    assert differing() == []
    for one in made:
        for moment in since:
            assert read_since(one, moment) == counted_one_by_one(one, moment)


def test_a_review_that_comes_or_goes_counts_in_the_year_at_once(installation):
    made, year = shop(), timedelta(days=365)
    public_id = published(made, 2)
    assert read_since(made, clock.now() - year) == {2: 1}

    with db.transaction() as session:
        withdraw.withdraw(session, public_id, clock.now())

    assert read_since(made, clock.now() - year) == {}


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
            update(count_models.star_counts)
            .where(count_models.star_counts.c.shop_id == made.id)
            .values(number=9)
        )
        session.execute(
            delete(count_models.star_counts).where(count_models.star_counts.c.shop_id == other.id)
        )

    assert differing() == [made.id, other.id]
    with db.transaction() as session:
        star_counts.recount(session, [made.id, other.id])
    assert differing() == []
    with db.transaction() as session:
        session.execute(update(count_models.daily_star_counts).values(day=1))

    assert differing() == [made.id, other.id]
    with db.transaction() as session:
        star_counts.recount(session, [made.id, other.id])

    assert differing() == []
    assert histogram(made) == (0, 0, 2, 0, 0)
    assert histogram(other) == (0, 0, 0, 0, 1)
