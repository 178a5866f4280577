import pytest
from hypothesis import given, strategies

from trustsvc.badge import score


@given(strategies.lists(strategies.integers(1, 5), max_size=300))
def test_a_score_is_exactly_what_the_single_reviews_say(stars):
    made = score.make_score({n: stars.count(n) for n in set(stars)})

    assert made.count == len(stars)
    assert made.mean == pytest.approx(sum(stars) / len(stars) if stars else 0.0)
    assert made.histogram == tuple(stars.count(n) for n in range(1, 6))
    assert sum(made.percents) == (100 if stars else 0)
    for number, percent in zip(made.histogram, made.percents, strict=True):
        assert abs(percent - (100 * number / len(stars) if stars else 0)) < 1
