"""Send the letters that answer somebody, one lease a letter, many letters a connection."""

import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

from jinja2 import TemplateError
from sqlalchemy import and_, select, update
from sqlalchemy.orm import Session

from trustsvc import log
from trustsvc.mail.message import DeliveryResult, DeliveryStatus, MailTransport
from trustsvc.shops import directory
from trustsvc.transactional_mail.compose import compose
from trustsvc.transactional_mail.enqueue import THE_SERVICE
from trustsvc.transactional_mail.models import UNSETTLED, correspondence

LEASE = timedelta(minutes=11)  # longer than a mail server may take for its answer (RFC 5321)
LIFE = timedelta(hours=72)
FIRST_WAIT_S, LONGEST_WAIT_S = 30, 3600
AWAY = {"no_connection", "no_tls", "no_login"}

logger = log.get_logger("correspondence")
_dice = secrets.SystemRandom()

OpenTransaction = Callable[[], AbstractContextManager[Session]]


class Forgotten(Exception):
    """The letter is no longer this sender's: its person was erased, or its lease ran out."""


def send(
    open_transaction: OpenTransaction, postbox: MailTransport, now: Callable[[], datetime]
) -> bool:
    """Send one letter that is due; False when there is none, or the mail server is away.

    A sender that dies leaves a letter that is sent again with the same Message-ID after its lease:
    here none is worse than twice, because somebody waits for it.
    """
    with open_transaction() as session:
        row = _lease(session, now())
        shop = directory.by_id(session, row.shop_id) if row and row.shop_id != THE_SERVICE else None
    if row is None:
        return False
    try:
        letter = compose(row, shop, now())
    except (TemplateError, LookupError, ValueError, TypeError) as problem:
        logger.error("letter not written", letter=row.id, problem=type(problem).__name__)  # noqa: TRY400
        outcome = DeliveryResult(DeliveryStatus.DEFERRED, "not_written")
    else:
        try:
            outcome = postbox.send(letter, lambda: _look_again(open_transaction, row))
        except Forgotten:
            return True
    with open_transaction() as session:
        _settle(session, row, outcome, now())
    if outcome.reason in AWAY:
        logger.warning("the mail server is away", problem=outcome.reason)
        return False
    return True


def _lease(session: Session, now: datetime) -> Any:
    table = correspondence.c
    # Of a leased letter due_at is the lease's end.
    ready = and_(table.state.in_(UNSETTLED), table.due_at <= now)
    row = session.execute(
        select(correspondence)
        .where(ready)
        .order_by(table.due_at, table.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    if row is None:
        return None
    lease = secrets.token_bytes(16)
    session.execute(
        update(correspondence)
        .where(table.id == row.id)
        .values(state="leased", lease=lease, due_at=now + LEASE, tries=table.tries + 1)
    )
    return session.execute(select(correspondence).where(table.id == row.id)).one()


def _look_again(open_transaction: OpenTransaction, row: Any) -> None:
    """See before the final dot that whom it is for was not erased since the lease was taken."""
    table = correspondence.c
    with open_transaction() as session:
        mine = select(table.id).where(table.id == row.id, table.lease == row.lease)
        if session.execute(mine).first() is None:
            raise Forgotten


def _settle(session: Session, row: Any, outcome: DeliveryResult, now: datetime) -> None:
    """Write down what became of it; what is settled holds nobody any more."""
    values: dict[str, Any]
    over = now - row.asked_at >= LIFE
    if outcome.status is DeliveryStatus.SENT:
        values = {"state": "sent"}
    elif outcome.status is DeliveryStatus.REFUSED:
        values = {"state": "refused"}
    elif over:
        values = {"state": "gave_up"}
    else:
        most = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(row.tries, 20))
        values = {"state": "due", "due_at": now + timedelta(seconds=_dice.uniform(1, most))}
    if values["state"] != "due":
        values |= {"address": None, "name": None, "facts": None}
    session.execute(
        update(correspondence)
        .where(correspondence.c.id == row.id, correspondence.c.lease == row.lease)
        .values(problem=outcome.reason or None, lease=None, **values)
    )
