"""What to make of a mail server that takes no more for now: the relay rate. Pure.

The rate falls to what the server took in the minute before. It grows again slowly at first: by one
message a minute after five minutes, then by two, four, and so on (additive increase, multiplicative
decrease). Messages leave evenly, so no window of the server's is overrun.

Nothing here plans further ahead than its maximum: a later moment was written while the clock was
wrong, and is ignored.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from trustsvc.backoff import backoff
from trustsvc.mail.outbox.rate_policy import STEP, is_ahead

MINUTE = timedelta(minutes=1)
WINDOW = MINUTE  # the usual one of mail servers, such as Postfix's anvil_rate_time_unit
MARGIN = timedelta(seconds=1)  # Postfix counts in whole seconds
# The first message of a connection is late by what connecting takes, and the next ones are not: so
# many in a minute and a little, or one too many falls into the server's minute.
SPREAD = MINUTE + timedelta(seconds=2)
LESS = 20  # a twentieth less where it refused at the rate that it had taught
UNTRIED_PER_MINUTE = 16  # where it took nothing before it refused
MAX_PER_MINUTE = 6000  # more is no limit
FIRST_GROWTH, NEXT_GROWTH = timedelta(minutes=5), MINUTE
FIRST_PAUSE, MAX_PAUSE = MINUTE, timedelta(minutes=15)
MAX_GAP = timedelta(minutes=2)
FORGOTTEN = timedelta(days=1)
MAX_SKEW = timedelta(minutes=5)  # between the clocks of two hosts with a mailer


@dataclass(frozen=True, slots=True)
class RelayRate:
    """How many messages a mail server takes; `refusals`: in a row, with none taken between."""

    per_minute: int
    learnt_at: datetime
    grows_at: datetime
    next_slot_at: datetime
    step: int = 1
    refusals: int = 0
    paused_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What a mail server took in the last minute, and when the first of it."""

    number: int
    since: datetime | None = None


def refused(before: RelayRate | None, taken: Taken, now: datetime, random: float) -> RelayRate:
    """Learn from a refusal; `random`, from 0 to 1, is drawn by the caller.

    A server that took some is asked again once a minute has passed since the first of them. One
    that took none gets half as many, and is left alone twice as long each time.
    """
    if taken.number:
        most = min(taken.number, _before_growth(before)) if before else taken.number
        refusals = 0
        pause = max((taken.since or now) + WINDOW - now, timedelta(0)) + MARGIN
    else:
        most = before.per_minute // 2 if before else UNTRIED_PER_MINUTE
        refusals = before.refusals + 1 if before else 1
        pause = backoff(refusals - 1, FIRST_PAUSE, MAX_PAUSE, random=random, jitter=0.5)
    return RelayRate(
        per_minute=max(1, most),
        learnt_at=now,
        grows_at=now + FIRST_GROWTH,
        next_slot_at=now + pause,
        refusals=refusals,
        paused_until=now + pause,
    )


def _before_growth(rate: RelayRate) -> int:
    has_grown = rate.step > 1
    return rate.per_minute - (rate.step // 2 if has_grown else rate.per_minute // LESS)


def _gap(rate: RelayRate) -> timedelta:
    return SPREAD / rate.per_minute


def slots(rate: RelayRate, most: int, now: datetime) -> list[datetime]:
    """Give the moments at which messages may leave in the next STEP, at most so many."""
    if is_ahead(rate.paused_until, now, MAX_PAUSE):
        return []
    first = rate.next_slot_at if is_ahead(rate.next_slot_at, now, MAX_GAP) else now
    gap = _gap(rate)
    number = min(most, max(0, math.ceil((now + STEP - first) / gap)))
    return [first + place * gap for place in range(number)]


def used(rate: RelayRate, given: list[datetime], now: datetime, *, all_: bool) -> RelayRate | None:
    """Write down the slots that were given; None once there is no limit to speak of.

    The rate grows only while `all_` of it is used: what is not tried is not known.
    """
    if given:
        rate = replace(rate, next_slot_at=given[-1] + _gap(rate))
    if all_ and rate.grows_at <= now:
        rate = replace(
            rate,
            per_minute=rate.per_minute + rate.step,
            step=rate.step * 2,
            grows_at=now + NEXT_GROWTH,
        )
    return rate if rate.per_minute <= MAX_PER_MINUTE else None


def is_forgotten(rate: RelayRate, now: datetime) -> bool:
    """Say whether the last refusal is too long ago to say anything, or was in the future."""
    return not rate.learnt_at - MAX_SKEW <= now < rate.learnt_at + FORGOTTEN
