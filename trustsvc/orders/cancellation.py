"""Orders that ended, and buyers who refused or were erased, replayed after a restore.

The suppression journal says the true reason of each: an end with its aspect, so that the same
news takes it back as before, `said_no`, `erased` for good, or `emptied`.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select, tuple_
from sqlalchemy.orm import Session

from trustsvc.orders.aspects import ASPECTS, StoredOrder
from trustsvc.orders.models import orders
from trustsvc.orders.platform_status import ENDED, PlatformStatus
from trustsvc.orders.state import OrderState, order_states
from trustsvc.orders.stored_orders import OrderKey
from trustsvc.shops.models import shops
from trustsvc.storage import db, suppression_journal
from trustsvc.storage.suppression_entries import JournalEntry

SAID_NO, ERASED, EMPTIED = "said_no", "erased", "emptied"
# Reason in the journal -> aspect and end. That of the platform_status has no prefix.
_ENDS: Mapping[str, tuple[str, PlatformStatus]] = {
    (end.value if aspect == "platform_status" else f"{aspect}_{end}"): (aspect, end)
    for aspect in ("platform_status", "dispute", "returns")
    for end in ENDED
}


def journal(
    session: Session,
    rows: Sequence[StoredOrder],
    erased: Collection[OrderKey],
    now: datetime,
) -> None:
    """Append what bars these orders from being asked about to the suppression journal.

    `erased`: those whose buyer the shop erased. Called before the commit: a superfluous entry only
    prevents a message. Raises Unavailable.
    """
    suppression_journal.append(
        session,
        [
            JournalEntry("cancel_order", row.identity, row.shop_id, now, reason)
            for row in rows
            for reason in _reasons(row, is_erased=(row.shop_id, row.identity) in erased)
        ],
    )


def _reasons(row: StoredOrder, *, is_erased: bool) -> list[str]:
    reasons = [reason for reason, (name, end) in _ENDS.items() if getattr(row, name) is end]
    if row.consent is False:
        reasons.append(SAID_NO)
    if is_erased:
        reasons.append(EMPTIED if row.accepts_buyer else ERASED)
    return reasons


def replay(
    session: Session, entries: Sequence[JournalEntry], now: datetime
) -> dict[str, list[int]]:
    """Bar the orders of these entries in a restored database; gives those that were open by reason.

    An unknown order gets a row without buyer data, so that its creation, delivered again by the
    platform, leads to nothing. Each is planned again. Called twice, it changes nothing.
    """
    shop_ids = set(session.scalars(select(shops.c.id)))
    known = [entry for entry in entries if entry.shop_id in shop_ids]
    if not known:
        return {}
    session.execute(
        db.insert(orders).on_conflict_do_nothing(index_elements=["shop_id", "identity"]),
        [_order_without_buyer(entry, now) for entry in known],
    )
    keys: defaultdict[str, list[OrderKey]] = defaultdict(list)
    for entry in known:
        keys[_reason(entry)].append((entry.shop_id, entry.subject))
    barred = {}
    for reason, some in keys.items():
        ids = session.scalars(
            order_states.update(orders, OrderState, OrderState.RECEIVED)
            .where(
                tuple_(orders.c.shop_id, orders.c.identity).in_(some),
                _is_new(reason),
            )
            .values(**_values(reason, now))
            .returning(orders.c.id)
        )
        barred[reason] = list(ids)
    return barred


def _reason(entry: JournalEntry) -> str:
    is_known = entry.reason in _ENDS or entry.reason in {SAID_NO, ERASED, EMPTIED}
    return entry.reason if is_known else PlatformStatus.CANCELLED.value


def withdrawal_of(reason: str) -> tuple[str, bool]:
    """Give the reason of an invitation's withdrawal, and whether news may bring the buyer back."""
    if reason in _ENDS:
        return _ENDS[reason][1].value, True
    return (SAID_NO, False) if reason == SAID_NO else (ERASED, reason == EMPTIED)


def _values(reason: str, at: datetime) -> dict[str, object]:
    if reason in _ENDS:
        aspect, end = _ENDS[reason]
        return {aspect: end, ASPECTS[aspect][0]: at}
    if reason == SAID_NO:
        return {"consent": False, "consent_at": at}
    gone: dict[str, object] = {"buyer_pseudonym": None, "contact_at": at}
    return gone | {"accepts_buyer": False} if reason == ERASED else gone


def _is_new(reason: str) -> ColumnElement[bool]:
    table = orders.c
    if reason in _ENDS:
        column = table[_ENDS[reason][0]]
        return or_(column.is_(None), column.not_in(ENDED))
    if reason == SAID_NO:
        return or_(table.consent.is_(None), table.consent)
    holds_buyer = or_(table.email.is_not(None), table.buyer_pseudonym.is_not(None))
    return or_(holds_buyer, table.accepts_buyer) if reason == ERASED else holds_buyer


def _order_without_buyer(entry: JournalEntry, now: datetime) -> dict[str, object]:
    row = StoredOrder(
        shop_id=entry.shop_id,
        identity=entry.subject,
        created_at=entry.at,
        received_at=now,
        state=order_states.begin(OrderState.SETTLED),
    )
    return row.values() | _values(_reason(entry), entry.at)
