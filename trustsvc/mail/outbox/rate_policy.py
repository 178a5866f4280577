"""How fast letters leave. Pure, as rules.py: `share`, from 0 to 1, is the dice.

To a mail server: left alone after some failures in a row, and slowly at first when it is back. To a
domain: so many a minute, and none for a while where it says later. Of a shop: not suddenly many
times its usual. A moment that lies further ahead than any of these ever plans is one that a clock
which jumped wrote down, and counts for nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from trustsvc.mail.message import DeliveryResult, DeliveryStatus, FailureScope

# A mail server
MOST_FAILURES = 5
FIRST_PAUSE_S = 30
LONGEST_PAUSE_S = 15 * 60
AWAY = frozenset({"no_connection", "no_tls", "no_login", "maildir"})
_FAILS = AWAY | {"connection_lost", "no_answer", "smtp_421"}
LEAST_A_MINUTE = 16
STEP_S = 15  # how often the clock rings for letters: what may leave at once is counted for it
NOT_TWICE = 1.6  # with what leaves in one step on top, a minute holds at most twice the usual

# A domain
STRIKES = 3
FIRST_QUIET_S = 60
LONGEST_QUIET_S = 30 * 60
LONGEST_QUEUE = timedelta(days=1)
_SLOWER = frozenset({"smtp_450", "smtp_451"})

# A shop
TIMES_USUAL = 5


def is_failure(outcome: DeliveryResult) -> bool:
    """Say whether it is our mail server that failed, whatever the letter."""
    if outcome.scope is FailureScope.DOMAIN or outcome.status in {
        DeliveryStatus.SENT,
        DeliveryStatus.REFUSED,
    }:
        return False
    return outcome.scope is FailureScope.SERVER or outcome.reason in _FAILS


def pause(opened: int, share: float) -> timedelta:
    """Say how long a mail server is left alone that was so before: doubling, half of it jitter."""
    most = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(opened, 20))
    return timedelta(seconds=most * (0.5 + share / 2))


def is_ahead(until: datetime | None, now: datetime, longest_s: float) -> bool:
    return until is not None and now < until <= now + timedelta(seconds=longest_s)


def a_minute(usual: int, since: timedelta) -> float:
    """Say how many letters a minute may leave so long after a mail server came back.

    From a quarter of the usual, doubling each minute; never more than twice the usual.
    """
    most = max(LEAST_A_MINUTE, NOT_TWICE * usual)
    minutes = min(max(since / timedelta(minutes=1), 0), 20)
    return float(min(most, max(LEAST_A_MINUTE, usual / 4) * 2 ** int(minutes)))


def grant(a_minute: float, since: timedelta | None) -> int:
    """Say how many may leave now, so long after the last that did; what was not used is gone."""
    seconds = STEP_S if since is None else since.total_seconds()
    if seconds < 0:  # the clock went back
        seconds = STEP_S
    return int(a_minute * min(seconds, STEP_S) / 60)


def strike(strikes: int, outcome: DeliveryResult) -> int:
    """Count what a domain said: a clear word weighs as much as several that may mean a mailbox."""
    if outcome.scope is FailureScope.DOMAIN:
        return max(strikes + 1, STRIKES)
    if outcome.status is DeliveryStatus.DEFERRED and outcome.reason in _SLOWER:
        return strikes + 1
    return 0 if outcome.status is DeliveryStatus.SENT else strikes


def quiet(strikes: int, share: float) -> timedelta:
    """Say how long a domain is left alone: not at first, then doubling, half of it jitter."""
    if strikes < STRIKES:
        return timedelta(0)
    most = min(LONGEST_QUIET_S, FIRST_QUIET_S * 2 ** min(strikes - STRIKES, 20))
    return timedelta(seconds=most * (0.5 + share / 2))


@dataclass(frozen=True, slots=True)
class Domain:
    """What is known of a domain; `free_at`: when its next letter may leave (GCRA, ITU-T I.371)."""

    free_at: datetime
    planned_until: datetime
    strikes: int = 0
    quiet_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Turns:
    """The first `go` letters leave now, the others when it says, and the domain is then so."""

    go: int
    later: Sequence[datetime]
    domain: Domain


def turns(count: int, a_minute: int, domain: Domain, now: datetime) -> Turns:
    """Give so many letters to a domain their turns; 0 a minute sets no pace.

    What does not fit waits in a row behind what waits already, so that thousands to one domain are
    put off once and not every minute anew.
    """
    between = timedelta(minutes=1) / a_minute if a_minute else timedelta(0)
    free_at = domain.free_at if is_ahead(domain.free_at, now, 60 + STEP_S) else now
    begin = free_at
    if is_ahead(domain.quiet_until, now, LONGEST_QUIET_S) and domain.quiet_until:
        go, begin = 0, domain.quiet_until
    else:
        left = now + timedelta(seconds=STEP_S) - free_at
        go = min(count, max(0, math.ceil(left / between))) if between else count
        free_at += go * between
        begin = free_at
    queue = domain.planned_until
    if not now < queue <= now + LONGEST_QUEUE:
        queue = now
    queue = max(queue, begin) if count > go else queue
    later = [queue + place * between for place in range(1, count - go + 1)]
    planned = later[-1] if later else queue
    return Turns(go, later, Domain(free_at, planned, domain.strikes, domain.quiet_until))


def most_an_hour(least: int, usual: int, said_to_be_real: int) -> int:
    """Say how many buyers a shop may ask in an hour before somebody has to look; 0 is no limit.

    `said_to_be_real` is what staff confirmed lately.
    """
    return max(least, TIMES_USUAL * usual, TIMES_USUAL * said_to_be_real) if least else 0
