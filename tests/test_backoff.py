from datetime import timedelta

import pytest

from trustsvc.backoff import backoff

FIRST, LONGEST = timedelta(seconds=30), timedelta(minutes=15)


@pytest.mark.parametrize(
    ("attempts", "random", "jitter", "seconds"),
    [
        (0, 1.0, 0.0, 30),
        (1, 0.0, 0.0, 60),
        (5, 0.0, 0.0, 900),
        (10_000, 0.0, 0.0, 900),
        (-1, 0.0, 0.0, 30),
        (2, 0.0, 1.0, 0),
        (2, 1.0, 1.0, 120),
        (2, 0.0, 0.5, 60),
        (2, 1.0, 0.5, 120),
    ],
)
def test_the_wait_doubles_up_to_a_limit_and_the_jitter_is_a_share_of_it(
    attempts, random, jitter, seconds
):
    wait = backoff(attempts, FIRST, LONGEST, random=random, jitter=jitter)

    assert wait == timedelta(seconds=seconds)
