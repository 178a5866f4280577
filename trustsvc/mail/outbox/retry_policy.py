"""The retry policy: when a message that failed is tried again, and when no more.

Pure; the same for every kind of message.

Only two waits count: between attempts, and for a receiving domain that is paused. Nights,
suspensions, rates and pauses of our own mail server do not count.
"""

import math
from datetime import timedelta

from trustsvc.backoff import backoff

LIMIT_S = 72 * 3600
LIMIT_REACHED = "retry_limit"
# Where nobody knows whether it arrived: who waits for it gets three at most.
MAX_AUTOMATIC_RESENDS = 2
MAX_OPERATOR_RESENDS = 1  # with TRUSTSVC_RESEND: a buyer gets an invitation twice at most
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)


def is_over(waited_s: int) -> bool:
    return waited_s >= LIMIT_S


def wait_s(attempts: int, waited_s: int, random: float) -> int:
    """Choose the next wait in seconds, with full jitter; the last one ends with the limit."""
    wait = backoff(attempts, FIRST_WAIT, LONGEST_WAIT, random=random)
    return min(math.ceil(wait.total_seconds()), LIMIT_S - waited_s)
