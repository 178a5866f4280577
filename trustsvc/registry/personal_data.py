"""What the registry knows of a person: registered or about to be, opted out, restricted."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from trustsvc.crypto import pseudonyms
from trustsvc.registry import registration
from trustsvc.registry.models import (
    opt_outs,
    pending_registrations,
    registered_buyers,
    restrictions,
)
from trustsvc.storage import db
from trustsvc.transactional_mail.enqueue import THE_SERVICE


def export_registry(
    session: Session, marks: Collection[bytes], who: Collection[bytes] = ()
) -> dict[str, list[dict[str, Any]]]:
    """Give every row these marks name, by table; `who` are those of requests to be registered."""
    waiting = select(pending_registrations).where(
        pending_registrations.c.address_pseudonym.in_(who)
    )
    return {
        pending_registrations.name: [dict(row) for row in session.execute(waiting).mappings()]
    } | {
        table.name: [
            dict(row)
            for row in session.execute(
                select(table).where(table.c.pseudonym.in_(marks)).order_by(table.c.at)
            ).mappings()
        ]
        for table in (registered_buyers, opt_outs, restrictions)
    }


def erase_registration(session: Session, address: str) -> bool:
    """End a registration, and one that was asked for; opt-outs stay.

    Without them a new order would undo an erasure.
    """
    who = pseudonyms.shop_pseudonyms(THE_SERVICE, address)
    waiting = session.execute(
        delete(pending_registrations).where(pending_registrations.c.address_pseudonym.in_(who))
    )
    return registration.leave(session, address) or db.row_count(waiting) > 0
