"""Find a shop: by its slug or id."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from trustsvc.errors import NotFound
from trustsvc.shops.models import shops


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop without its secrets, for other packages."""

    id: int
    slug: str
    name: str
    domain: str
    platform: str
    endpoint_id: str
    may_ask: str
    wording: str
    wording_at: datetime
    delay: int
    delay_unit: str
    moment: str
    reminder_days: int
    cap_days: int
    max_age_days: int
    skip: str
    fallback: str
    fallback_days: int
    language: str
    zone: str
    reply_to: str
    created_at: datetime
    proven_at: datetime | None
    closed_at: datetime | None


SHOP_COLUMNS = tuple(shops.c[field.name] for field in fields(Shop))  # a Shop, in its order


def by_slug(session: Session, slug: str) -> Shop:
    """Raises NotFound."""
    return _only(session.execute(select(*SHOP_COLUMNS).where(shops.c.slug == slug)).first())


def by_id(session: Session, shop_id: int) -> Shop:
    """Raises NotFound."""
    return _only(session.execute(select(*SHOP_COLUMNS).where(shops.c.id == shop_id)).first())


def by_ids(session: Session, ids: Collection[int]) -> dict[int, Shop]:
    rows = session.execute(select(*SHOP_COLUMNS).where(shops.c.id.in_(ids)))
    return {row.id: Shop(*row) for row in rows}


def all_shops(session: Session) -> list[Shop]:
    return [Shop(*row) for row in session.execute(select(*SHOP_COLUMNS).order_by(shops.c.slug))]


def _only(row: Row[*tuple[Any, ...]] | None) -> Shop:
    if row is None:
        raise NotFound("There is no such shop.")
    return Shop(*row)
