"""How long to wait before something that failed is tried again.

Only a process that is started again (cli/child_process.py) has a pause of its own.
"""

from datetime import timedelta


def backoff(
    attempts: int, first: timedelta, longest: timedelta, *, random: float, jitter: float = 1.0
) -> timedelta:
    """Double the wait with each attempt, up to `longest`, and take `jitter` of it by chance.

    `attempts` counts the failures before this one, from 0. `random` is a number from 0 to 1, drawn
    by the caller, so that the rule stays pure. Jitter keeps many that failed at once from coming
    back at once. `jitter` 1.0 waits anything from 0 to the whole time, 0.5 at least half of it, 0.0
    all of it.
    """
    whole: timedelta = min(longest, first * 2 ** min(max(attempts, 0), 30))
    share: float = 1 - jitter + jitter * random
    return whole * share
