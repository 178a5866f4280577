"""Which messages are due: asked in one statement, leased in one."""

from datetime import datetime
from functools import cache

from sqlalchemy import TextualSelect, Update, bindparam, column, literal, select, text
from sqlalchemy.orm import Session

from trustsvc import clock_check, config
from trustsvc.mail.outbox.kinds import LeasedMessage, MessageKind, Priority
from trustsvc.mail.outbox.lease_renewal import MESSAGE_LEASE
from trustsvc.mail.outbox.models import (
    HELD_BY_SENDER,
    LEASED_MESSAGE,
    messages,
)
from trustsvc.mail.outbox.state import DUE, LEASED, UNKNOWN, message_states
from trustsvc.storage import db
from trustsvc.storage.columns import Moment, in_states

# The condition of ix_messages_due, by the table's name: what the lease joins has states as well.
IS_DUE = text(f"messages.state = '{DUE.value}'")


def may_be_any(now: datetime) -> bool:
    """Say whether a message may be due, or a lease has run out; False is certain.

    One statement without parameters, each part of which reads one row of an index. PostgreSQL makes
    a plan for all parameters of a prepared one with them, and then reads the whole table.
    """
    row = db.read_row(_looking(config.current().resend))
    soon = [row["first_until"], *(row[f"due{priority}"] for priority in Priority)]
    longest = now + MESSAGE_LEASE + clock_check.MAX_DRIFT
    return bool(
        any(moment and moment <= now for moment in soon)
        or (row["last_until"] and row["last_until"] > longest)
        or row["breakers"]
        or row["unknown"]
    )


def take(
    session: Session, kind: MessageKind, lease_token: bytes, now: datetime, size: int
) -> list[LeasedMessage]:
    """Lease the next due messages of a kind, in their order."""
    values = {"now": now, "size": size, "by": lease_token, "until": now + MESSAGE_LEASE}
    rows = session.connection().execute(_leasing(kind), values).all()
    return [LeasedMessage(*row[1:]) for row in sorted(rows)]


@cache
def _looking(resends: bool) -> TextualSelect:
    one = "(SELECT {} FROM messages WHERE {} ORDER BY {} LIMIT 1) AS {}"
    held = in_states(HELD_BY_SENDER)
    parts = [
        one.format("due_at", f"{IS_DUE} AND priority = {int(priority)}", "due_at", f"due{priority}")
        for priority in Priority
    ]
    parts += [
        one.format("leased_until", held, "leased_until", "first_until"),
        one.format("leased_until", held, "leased_until DESC", "last_until"),
        "(SELECT count(*) FROM circuit_breakers) AS breakers",
        one.format("id", in_states([UNKNOWN]), "sent_at", "unknown")
        if resends
        else "NULL AS unknown",
    ]
    moments = [f"due{priority}" for priority in Priority] + ["first_until", "last_until"]
    return text(f"SELECT {', '.join(parts)}").columns(
        *(column(name, Moment) for name in moments), column("breakers"), column("unknown")
    )


@cache
def _leasing(kind: MessageKind) -> Update:
    """Build the UPDATE once: that takes longer than to execute it."""
    due = (
        select(messages.c.id)
        .where(
            IS_DUE,
            messages.c.priority == int(kind.priority),
            messages.c.kind.in_([literal(name) for name in kind.names]),
            messages.c.due_at <= bindparam("now"),
        )
        .order_by(messages.c.due_at, messages.c.id)
        .limit(bindparam("size"))
    )
    # Materialised: or PostgreSQL may run it, and lock, once for each row.
    chosen = kind.lockable(due).cte("chosen").prefix_with("MATERIALIZED")
    return (
        message_states.update(messages, (DUE,), LEASED)
        .where(messages.c.id.in_(select(chosen.c.id)))
        .values(lease=bindparam("by"), leased_until=bindparam("until"))
        .returning(messages.c.due_at, *LEASED_MESSAGE)
    )
