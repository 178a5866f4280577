"""Invitations with their orders, buyers and shops, as far as they decide about a message."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, LargeBinary, bindparam, select, type_coerce
from sqlalchemy.orm import Session

from trustsvc.crypto import encrypted_column, encrypted_id
from trustsvc.invitations.models import invitations
from trustsvc.invitations.state import InvitationState
from trustsvc.orders.facts import OrderFacts
from trustsvc.orders.models import orders
from trustsvc.orders.state import OrderState
from trustsvc.orders.undecided import FACTS, facts_of
from trustsvc.shops import directory
from trustsvc.shops.models import shops


@dataclass(frozen=True, slots=True)
class Subject:
    """What a message is about. `email` is empty once the buyer's contact was erased.

    Link and name stay encrypted until the message is composed. `stored_email` tells without
    decryption whether the address is still the same.
    """

    id: int
    order_id: int
    shop: directory.Shop
    state: InvitationState
    stored_link: bytes = field(repr=False)
    basis: str
    language: str
    zone: str
    expires_at: datetime
    order_state: OrderState
    stored_email: bytes | None = field(repr=False)
    email: str = field(repr=False)
    stored_name: bytes | None = field(repr=False)
    facts: OrderFacts

    @property
    def link(self) -> bytes:
        return encrypted_id.decrypt(self.stored_link)

    @property
    def name(self) -> str:
        return encrypted_column.decrypt(self.stored_name) if self.stored_name else ""


_OWN = (
    invitations.c.id,
    invitations.c.order_id,
    invitations.c.state,
    type_coerce(invitations.c.link, LargeBinary).label("stored_link"),
    invitations.c.basis,
    invitations.c.language,
    invitations.c.zone,
    invitations.c.expires_at,
    orders.c.state,
    type_coerce(orders.c.email, LargeBinary).label("stored_email"),
    type_coerce(orders.c.name, LargeBinary).label("stored_name"),
)
# Built once: one is executed for each message, and to build it takes longer than to execute it.
_ALL = (
    select(*_OWN, *FACTS, *directory.SHOP_COLUMNS)
    .join_from(invitations, orders, orders.c.id == invitations.c.order_id)
    .join(shops, shops.c.id == invitations.c.shop_id)
)
_SOME = _ALL.where(invitations.c.id.in_(bindparam("ids", expanding=True)))
_ONE = _ALL.where(invitations.c.id == bindparam("one"))
_SHOP_AT = len(_OWN) + len(FACTS)
_FACT_NAMES = [one.name for one in FACTS]


def read(
    session: Session, ids: Collection[int], before: Mapping[int, Subject] | None = None
) -> dict[int, Subject]:
    """Read invitations by id, in one statement; those that do not exist are missing.

    An address that is still as it was `before` is not decrypted again.
    """
    known: dict[int, directory.Shop] = {}
    subjects = {}
    for row in _rows(session, ids):
        values = tuple(row)
        shop_id = values[_SHOP_AT]
        shop = known.get(shop_id) or known.setdefault(shop_id, directory.Shop(*values[_SHOP_AT:]))
        (
            own,
            order_id,
            state,
            stored_link,
            basis,
            language,
            zone,
            expires_at,
            order_state,
            stored_email,
            stored_name,
        ) = values[: len(_OWN)]
        subjects[own] = Subject(
            id=own,
            order_id=order_id,
            shop=shop,
            state=InvitationState(state),
            stored_link=stored_link,
            basis=basis,
            language=language,
            zone=zone,
            expires_at=expires_at,
            order_state=OrderState(order_state),
            stored_email=stored_email,
            email=_email(stored_email, before.get(own) if before else None),
            stored_name=stored_name,
            facts=facts_of(dict(zip(_FACT_NAMES, values[len(_OWN) : _SHOP_AT], strict=True))),
        )
    return subjects


def _email(stored: bytes | None, before: Subject | None) -> str:
    if not stored:
        return ""
    is_same = before is not None and before.stored_email == stored
    return before.email if before and is_same else encrypted_column.decrypt(bytes(stored))


def _rows(session: Session, ids: Collection[int]) -> CursorResult[*tuple[Any, ...]]:
    if len(ids) == 1:  # right before it leaves: a list of one takes longer
        return session.connection().execute(_ONE, {"one": next(iter(ids))})
    return session.connection().execute(_SOME, {"ids": list(ids)})
