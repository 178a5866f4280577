"""A restriction stays with its order when the shop corrects the address.

The order keeps the pseudonym of whoever restricted it, so that the purge, a lift and a restore
find it. Once that is lifted, the pseudonym follows the address.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import bindparam, update
from sqlalchemy.orm import Session

from trustsvc.orders.aspects import StoredOrder
from trustsvc.orders.models import orders
from trustsvc.orders.stored_orders import OrderKey
from trustsvc.registry import check, restriction


def keep_pseudonyms(
    session: Session,
    known: Mapping[OrderKey, StoredOrder],
    rows: dict[OrderKey, StoredOrder],
    now: datetime,
) -> None:
    """Leave corrected orders of restricted buyers the pseudonym they are found by.

    A restriction for all shops is written down for this one, too. Raises Unavailable when the
    suppression journal cannot be written.
    """
    corrected = [
        one
        for key, one in known.items()
        if one.buyer_pseudonym is not None
        and rows[key].has_buyer
        and rows[key].buyer_pseudonym != one.buyer_pseudonym
    ]
    if not corrected:
        return
    queries = [check.RegistryQuery(one.shop_id, one.email) for one in corrected if one.email]
    statuses = iter(check.statuses(session, queries))
    restricted = check.restricted(
        session, {one.buyer_pseudonym for one in corrected if one.buyer_pseudonym}
    )
    for one in corrected:
        is_restricted = bool(one.email) and next(statuses).restricted
        if one.buyer_pseudonym and (
            is_restricted or (one.buyer_pseudonym, one.shop_id) in restricted
        ):
            key = (one.shop_id, one.identity)
            rows[key] = replace(rows[key], buyer_pseudonym=one.buyer_pseudonym)
            restriction.restrict(session, [one.buyer_pseudonym], one.shop_id, now)


def follow_addresses(session: Session, pseudonyms: Mapping[int, bytes]) -> None:
    """Give these orders the pseudonym of their address."""
    if pseudonyms:
        session.connection().execute(
            update(orders)
            .where(orders.c.id == bindparam("one"))
            .values(buyer_pseudonym=bindparam("whose")),
            [{"one": order_id, "whose": whose} for order_id, whose in pseudonyms.items()],
        )
