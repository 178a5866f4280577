"""How fast messages leave. Pure: `random`, from 0 to 1, is drawn by the caller.

Our mail server is paused after some failures in a row. When it is back it gets few messages at
first. A receiving domain gets a fixed number of messages a minute, and none for a while when it
defers. A shop may not suddenly invite many times its usual number of buyers.

None of these plans further ahead than its maximum. A later moment was written while the clock was
wrong, and is ignored.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from trustsvc.backoff import backoff
from trustsvc.mail.message import FailureScope, SendResult, SendStatus

# A mail server
MAX_FAILURES = 5
FIRST_SERVER_PAUSE, MAX_SERVER_PAUSE = timedelta(seconds=30), timedelta(minutes=15)
AWAY = frozenset({"no_connection", "no_tls", "no_login", "maildir"})
_SERVER_FAILURES = AWAY | {"connection_lost", "no_answer", "smtp_421"}
MIN_PER_MINUTE = 16
STEP = timedelta(seconds=15)  # how often the scheduler enqueues: slots are given for that long
NOT_TWICE = 1.6  # with what leaves in one step on top, a minute holds at most twice the usual

# A domain
MAX_DEFERRALS = 3
FIRST_DOMAIN_PAUSE, MAX_DOMAIN_PAUSE = timedelta(minutes=1), timedelta(minutes=30)
MAX_QUEUE = timedelta(days=1)
MAX_FREE_AHEAD = timedelta(minutes=1) + STEP
_MAY_BE_THROTTLING = frozenset({"smtp_450", "smtp_451"})

# A shop
TIMES_USUAL = 5


def is_failure(result: SendResult) -> bool:
    """Say whether our own mail server failed, whatever the message."""
    if result.scope in {FailureScope.DOMAIN, FailureScope.RATE}:
        return False
    if result.status in {SendStatus.SENT, SendStatus.REFUSED}:
        return False
    return result.scope is FailureScope.SERVER or result.reason in _SERVER_FAILURES


def server_pause(opened: int, random: float) -> timedelta:
    """Choose how long the circuit breaker stays open that opened so often before."""
    return backoff(opened, FIRST_SERVER_PAUSE, MAX_SERVER_PAUSE, random=random, jitter=0.5)


def is_ahead(until: datetime | None, now: datetime, longest: timedelta) -> bool:
    return until is not None and now < until <= now + longest


def ramp_up_rate(usual: int, since: timedelta) -> float:
    """Give the messages a minute that may leave so long after a mail server came back.

    From a quarter of the usual, doubling each minute; never more than twice the usual.
    """
    most = max(MIN_PER_MINUTE, NOT_TWICE * usual)
    minutes = min(max(since / timedelta(minutes=1), 0), 20)
    return float(min(most, max(MIN_PER_MINUTE, usual / 4) * 2 ** int(minutes)))


def allowance(per_minute: float, since: timedelta | None) -> int:
    """Give how many may leave now, so long after the last that did; what is not used is lost."""
    waited = STEP if since is None or since < timedelta(0) else min(since, STEP)
    return int(per_minute * (waited / timedelta(minutes=1)))


def deferrals(before: int, result: SendResult) -> int:
    """Count deferrals in a row: a clear one weighs as much as several that may mean a mailbox.

    What our own mail server is to blame for (mail/smtp_reply.py) never counts.
    """
    if result.scope in {FailureScope.SERVER, FailureScope.RATE}:
        return before
    if result.scope is FailureScope.DOMAIN:
        return max(before + 1, MAX_DEFERRALS)
    if result.status is SendStatus.DEFERRED and result.reason in _MAY_BE_THROTTLING:
        return before + 1
    return 0 if result.status is SendStatus.SENT else before


def domain_pause(deferrals: int, random: float) -> timedelta:
    """Choose how long a domain gets nothing; zero below MAX_DEFERRALS."""
    if deferrals < MAX_DEFERRALS:
        return timedelta(0)
    return backoff(
        deferrals - MAX_DEFERRALS, FIRST_DOMAIN_PAUSE, MAX_DOMAIN_PAUSE, random=random, jitter=0.5
    )


@dataclass(frozen=True, slots=True)
class Domain:
    """What is known of a domain; `next_slot_at`: when its next slot is (GCRA, ITU-T I.371)."""

    next_slot_at: datetime
    reserved_until: datetime
    deferrals: int = 0
    paused_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Slots:
    """The first `go` messages leave now, the others at `later`; `domain` is its state then."""

    go: int
    later: Sequence[datetime]
    domain: Domain


def slots(count: int, per_minute: int, domain: Domain, now: datetime) -> Slots:
    """Give so many messages to a domain their slots; 0 a minute sets no throttle.

    What does not fit gets a later slot, behind what waits already. So thousands to one domain are
    deferred once, and not again every minute.
    """
    between = _between(per_minute)
    next_slot_at = _next_slot_at(domain, now)
    begin = next_slot_at
    if is_ahead(domain.paused_until, now, MAX_DOMAIN_PAUSE) and domain.paused_until:
        go, begin = 0, domain.paused_until
    else:
        left = now + STEP - next_slot_at
        go = min(count, max(0, math.ceil(left / between))) if between else count
        next_slot_at += go * between
        begin = next_slot_at
    queue = domain.reserved_until
    if not now < queue <= now + MAX_QUEUE:
        queue = now
    queue = max(queue, begin) if count > go else queue
    later = [queue + place * between for place in range(1, count - go + 1)]
    planned = later[-1] if later else queue
    return Slots(go, later, Domain(next_slot_at, planned, domain.deferrals, domain.paused_until))


def slots_at_once(count: int, per_minute: int, domain: Domain, now: datetime) -> Slots:
    """Give urgent messages the next slots, ahead of what waits; a paused domain gets none."""
    if is_ahead(domain.paused_until, now, MAX_DOMAIN_PAUSE) and domain.paused_until:
        return Slots(0, [domain.paused_until] * count, domain)
    used = _next_slot_at(domain, now) + count * _between(per_minute)
    next_slot_at = min(used, now + MAX_FREE_AHEAD)
    return Slots(
        count,
        [],
        Domain(next_slot_at, domain.reserved_until, domain.deferrals, domain.paused_until),
    )


def _between(per_minute: int) -> timedelta:
    return timedelta(minutes=1) / per_minute if per_minute else timedelta(0)


def _next_slot_at(domain: Domain, now: datetime) -> datetime:
    return domain.next_slot_at if is_ahead(domain.next_slot_at, now, MAX_FREE_AHEAD) else now


def max_per_hour(least: int, usual: int, confirmed: int) -> int:
    """Give how many buyers a shop may invite in an hour before somebody has to look; 0: no limit.

    `confirmed` is the number that staff confirmed as real lately.
    """
    return max(least, TIMES_USUAL * usual, TIMES_USUAL * confirmed) if least else 0
