"""Personal data in the registry: export and erase."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from trustsvc.crypto import pseudonyms
from trustsvc.registry import registration
from trustsvc.registry.models import (
    form_objections,
    opt_outs,
    pending_registrations,
    registered_buyers,
    restrictions,
)
from trustsvc.storage import db
from trustsvc.storage.columns import TableRows
from trustsvc.storage.suppression_entries import suppression_entries
from trustsvc.transactional_mail.enqueue import THE_SERVICE


def registry_rows(
    session: Session, whose: Collection[bytes], requesters: Collection[bytes] = ()
) -> TableRows:
    """Give all rows of these pseudonyms, by table; `requesters`: those of pending requests."""
    pending = select(pending_registrations).where(
        pending_registrations.c.address_pseudonym.in_(requesters)
    )
    entries = select(suppression_entries).where(suppression_entries.c.subject.in_(whose))
    return {
        table.name: [dict(row) for row in session.execute(statement).mappings()]
        for table, statement in ((pending_registrations, pending), (suppression_entries, entries))
    } | {
        table.name: [
            dict(row)
            for row in session.execute(
                select(table).where(table.c.pseudonym.in_(whose)).order_by(table.c.at)
            ).mappings()
        ]
        for table in (registered_buyers, opt_outs, restrictions, form_objections)
    }


def is_registered(session: Session, whose: Collection[bytes]) -> bool:
    """Whether one of these pseudonyms is registered."""
    mine = registered_buyers.c.pseudonym.in_(whose)
    return session.scalar(select(registered_buyers.c.at).where(mine).limit(1)) is not None


def opted_out_at(session: Session, whose: Collection[bytes]) -> datetime | None:
    """Give since when one of these pseudonyms is opted out; None if none is."""
    mine = select(func.min(opt_outs.c.at)).where(opt_outs.c.pseudonym.in_(whose))
    since: datetime | None = session.scalar(mine)
    return since


def restricted_at(session: Session, whose: Collection[bytes]) -> set[int]:
    """Give the shops with a restriction of one of these pseudonyms, 0 for all."""
    return set(
        session.scalars(select(restrictions.c.shop_id).where(restrictions.c.pseudonym.in_(whose)))
    )


def erase_registration(session: Session, address: str) -> bool:
    """Erase a registration and pending requests; gives whether there was one.

    Opt-outs stay, because without them a new order would undo an erasure.
    """
    requesters = pseudonyms.shop_pseudonyms(THE_SERVICE, address)
    pending = session.execute(
        delete(pending_registrations).where(
            pending_registrations.c.address_pseudonym.in_(requesters)
        )
    )
    return registration.leave(session, address) or db.row_count(pending) > 0
