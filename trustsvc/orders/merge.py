"""Merge an update into a known order. Pure, so that every sequence of arrival can be tested.

The first moment given for an event is kept; cancelled and refunded are final. Consent may be given
later, but once refused or withdrawn no update gives it again, because updates arrive in any order.

An erased buyer is stored again in one case: the buyer was not registered, and the shop sends an
update of the order. A buyer who registered in the meantime, as the card after an order offers, is
then found; any other is erased again.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from trustsvc.orders.received import OrderReceived
from trustsvc.orders.state import OrderState, order_states

MOMENTS = ("paid_at", "shipped_at", "delivered_at", "cancelled_at", "refunded_at")
CHANGE_NAMES = {name: name.removesuffix("_at") for name in MOMENTS} | {"unpaid": "paid"}
BUYER = ("reference", "email", "name", "buyer", "locale")
PROGRESS = frozenset({"paid_at", "shipped_at", "delivered_at"})
CHANGING = (*MOMENTS, "consent", "unpaid", "state")
COLUMNS = ("shop_id", "identity", *BUYER, *CHANGING, "created_at", "received_at")


@dataclass(frozen=True, slots=True, repr=False)
class StoredOrder:
    """A row of `orders`; the buyer's fields are set only if they are to be written.

    `not_registered`: that was the reason to erase the buyer.
    """

    shop_id: int
    identity: bytes
    created_at: datetime
    received_at: datetime
    state: OrderState
    unpaid: bool
    consent: bool | None
    paid_at: datetime | None
    shipped_at: datetime | None
    delivered_at: datetime | None
    cancelled_at: datetime | None
    refunded_at: datetime | None
    has_buyer: bool
    not_registered: bool = False
    id: int = 0
    reference: str | None = None
    email: str | None = None
    name: str | None = None
    buyer: bytes | None = None
    locale: str | None = None

    @property
    def is_over(self) -> bool:
        return self.cancelled_at is not None or self.refunded_at is not None

    def values(self, names: tuple[str, ...] = COLUMNS) -> dict[str, object]:
        """Columns to write, by name."""
        return {name: getattr(self, name) for name in names}


def new_order(
    key: tuple[int, bytes], order: OrderReceived, buyer: bytes | None, now: datetime
) -> StoredOrder:
    return StoredOrder(
        shop_id=key[0],
        identity=key[1],
        created_at=order.created_at,
        received_at=now,
        state=OrderState.RECEIVED,
        unpaid=bool(order.unpaid),
        consent=order.consent,
        paid_at=order.paid_at,
        shipped_at=order.shipped_at,
        delivered_at=order.delivered_at,
        cancelled_at=order.cancelled_at,
        refunded_at=order.refunded_at,
        has_buyer=True,
        reference=order.reference,
        email=order.email,
        name=order.name,
        buyer=buyer,
        locale=order.locale,
    )


def without_buyer(key: tuple[int, bytes], order: OrderReceived, now: datetime) -> StoredOrder:
    """Record only that the order existed and ended."""
    return replace(
        new_order(key, order, None, now),
        reference=None,
        email=None,
        name=None,
        locale=None,
        consent=None,
        state=OrderState.SETTLED,
        has_buyer=False,
    )


def merge(
    known: StoredOrder, order: OrderReceived, buyer: bytes | None
) -> tuple[StoredOrder, list[str]]:
    """Give the merged order and the names of its changes.

    A repetition never stores an erased buyer again: after an erasure only the end of the order
    counts, because an invitation may still be open. The exception is in the module docstring.
    """
    if known.is_over:
        return known, []
    new: dict[str, object] = {
        name: getattr(order, name)
        for name in MOMENTS
        if getattr(order, name) and not getattr(known, name)
    }
    if order.consent is not None and known.consent not in {order.consent, False}:
        new["consent"] = order.consent
    if known.unpaid and (order.unpaid is False or new.get("paid_at")):
        new["unpaid"] = False
    contact: dict[str, object] = {}
    if not known.has_buyer:
        if known.not_registered and buyer and PROGRESS & set(new) and not order.is_over:
            contact = {name: getattr(order, name) for name in BUYER if name != "buyer"}
            contact |= {"buyer": buyer, "has_buyer": True}
        else:
            new = {name: new[name] for name in ("cancelled_at", "refunded_at") if name in new}
    if not new:
        return known, []
    order_states.require([known.state], OrderState.RECEIVED)
    changed = replace(known, **new, **contact, state=OrderState.RECEIVED)  # type: ignore[arg-type]
    return changed, list(dict.fromkeys(CHANGE_NAMES.get(name, name) for name in new))
