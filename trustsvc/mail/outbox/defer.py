"""Put letters off that were about to leave: to the morning, or to their domain's next turn."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, update
from sqlalchemy.orm import Session

from trustsvc.invitations.models import messages
from trustsvc.mail.outbox import domain_throttle, retry_limit


def for_domain(
    session: Session, rows: Sequence[Any], turns: domain_throttle.Turns, now: datetime
) -> None:
    """Put letters off to their domain's next turn; no try is spent.

    What a domain that said later makes them wait counts like a wait between two tries: where it
    says so for three days, they are given up.
    """
    tired = [row for row in rows if row.id in turns.shunned and row.waited >= retry_limit.LONGEST_S]
    retry_limit.give_up(session, tired, now)
    over = {row.id for row in tired}
    put_off(
        session,
        {
            row.id: (at, math.ceil((at - now).total_seconds()) if row.id in turns.shunned else 0)
            for row in rows
            if row.id not in over and (at := turns.later[row.id])
        },
    )


def put_off(session: Session, later: Mapping[int, tuple[datetime, int]]) -> None:
    """Make letters due at their moments; what counts as waiting between tries is added."""
    if later:
        session.connection().execute(
            update(messages)
            .where(messages.c.id == bindparam("one"))
            .values(
                state="due",
                due_at=bindparam("at"),
                waited=messages.c.waited + bindparam("seconds"),
                lease=None,
                leased_until=None,
            ),
            [{"one": one, "at": at, "seconds": seconds} for one, (at, seconds) in later.items()],
        )


def give_back(session: Session, letter_ids: Sequence[int]) -> None:
    """Leave letters due as they were."""
    if letter_ids:
        session.execute(
            update(messages)
            .where(messages.c.id.in_(letter_ids))
            .values(state="due", lease=None, leased_until=None)
        )
