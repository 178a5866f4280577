"""Write down what became of letters: sent, refused, unknown, or tried again later."""

import math
import secrets
from datetime import datetime, timedelta

from sqlalchemy import bindparam, or_, update
from sqlalchemy.orm import Session

from trustsvc.invitations import redeem
from trustsvc.invitations.models import messages
from trustsvc.mail.message import DeliveryResult, DeliveryStatus
from trustsvc.mail.outbox import domain_throttle, retry_limit
from trustsvc.mail.outbox.lease import Due
from trustsvc.orders import buyer, decision_log

FIRST_WAIT_S = 60
LONGEST_WAIT_S = 6 * 3600

_dice = secrets.SystemRandom()


def settle(
    session: Session, outcomes: list[tuple[Due, DeliveryResult]], now: datetime
) -> set[bytes]:
    """Write down what became of letters; only for whoever still has the lease.

    A refused address is forgotten, with its invitation where that never arrived. A letter that was
    put off for three days is given up (give_up.py), and its address is not forgotten for it.
    Gives the domains that are left alone from now on.
    """
    over = [(one, outcome) for one, outcome in outcomes if _is_over(one, outcome)]
    going = [(one, outcome) for one, outcome in outcomes if not _is_over(one, outcome)]
    refused = [one for one, outcome in going if outcome.status is DeliveryStatus.REFUSED]
    never = [one.order_id for one in refused if one.kind == "invitation"]
    if refused:
        redeem.withdraw(session, never, "refused", now)
        buyer.erase(session, [one.order_id for one in refused])
    later = [
        _again(one, outcome, now)
        for one, outcome in going
        if outcome.status is DeliveryStatus.DEFERRED
    ]
    done = [
        _end(one, outcome, now)
        for one, outcome in going
        if outcome.status is not DeliveryStatus.DEFERRED
    ]
    _update(
        session,
        later,
        ("leased", "handed", "unknown"),
        state="due",
        due_at=bindparam("at"),
        waited=messages.c.waited + bindparam("wait"),
    )
    _update(
        session,
        done,
        ("leased", "handed", "unknown", "dropped"),
        state=bindparam("new"),
        sent_at=bindparam("sent"),
    )
    tired = [{"one": one.id, "by": one.lease, "why": retry_limit.RULE} for one, _ in over]
    _update(session, tired, ("leased", "handed", "unknown"), state="refused")
    lines = [_line(one, outcome, now) for one, outcome in outcomes]
    decision_log.write(session, [*lines, *(retry_limit.line(one, now) for one, _ in over)])
    return _hear(session, outcomes, now)


def _hear(
    session: Session, outcomes: list[tuple[Due, DeliveryResult]], now: datetime
) -> set[bytes]:
    news = [
        (one.domain, outcome)
        for one, outcome in outcomes
        if outcome.status is not DeliveryStatus.SENT or one.is_news
    ]
    return domain_throttle.heard(session, news, now)


def _update(
    session: Session, rows: list[dict[str, object]], states: tuple[str, ...], **values: object
) -> None:
    if rows:
        session.connection().execute(
            update(messages)
            .where(
                messages.c.id == bindparam("one"),
                messages.c.lease == bindparam("by"),
                # Not in_(): a list that is expanded cannot be used for many rows at once.
                or_(*(messages.c.state == state for state in states)),
            )
            .values(
                tries=messages.c.tries + 1, problem=bindparam("why"), leased_until=None, **values
            ),
            rows,
        )


def _is_over(one: Due, outcome: DeliveryResult) -> bool:
    return outcome.status is DeliveryStatus.DEFERRED and one.waited >= retry_limit.LONGEST_S


def _again(one: Due, outcome: DeliveryResult, now: datetime) -> dict[str, object]:
    """Wait once more; the last wait ends with the three days."""
    wait = min(math.ceil(backoff(one.tries).total_seconds()), retry_limit.LONGEST_S - one.waited)
    at = now + timedelta(seconds=wait)
    problem = outcome.reason or None
    return {"one": one.id, "by": one.lease, "why": problem, "at": at, "wait": wait}


def _end(one: Due, outcome: DeliveryResult, now: datetime) -> dict[str, object]:
    return {
        "one": one.id,
        "by": one.lease,
        "why": outcome.reason or None,
        "new": outcome.status.value,
        "sent": None if outcome.status is DeliveryStatus.REFUSED else now,
    }


def _line(one: Due, outcome: DeliveryResult, now: datetime) -> decision_log.DecisionLogEntry:
    step, rule = f"send_{one.kind}", outcome.reason or "ok"
    return decision_log.DecisionLogEntry(one.order_id, step, rule, outcome.status.value, now)


def backoff(tries: int) -> timedelta:
    """Wait longer each time, with full jitter: a mail server that returns is not run over."""
    most = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(tries, 20))
    return timedelta(seconds=_dice.uniform(0, most))
