"""What the registry knows of a person: registered, opted out, restricted; marks only."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc.registry import register
from trustsvc.registry.models import opt_outs, registered, restrictions


def tell(session: Session, marks: Collection[bytes]) -> dict[str, list[dict[str, Any]]]:
    """Give every row these marks name, by table."""
    return {
        table.name: [
            dict(row)
            for row in session.execute(
                select(table).where(table.c.mark.in_(marks)).order_by(table.c.at)
            ).mappings()
        ]
        for table in (registered, opt_outs, restrictions)
    }


def forget(session: Session, address: str) -> bool:
    """End a registration; opt-outs stay, because without them a new order would undo an erasure."""
    return register.leave(session, address)
