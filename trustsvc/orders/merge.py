"""Merge news into a known order. Pure, so that every sequence of arrival can be tested.

An order is a set of registers. Each keeps the value with the newest time the platform gave, so any
permutation and repetition of an order's history ends in the same row. Of two values of one second
the one that arrives later counts, but an end stays. A refusal (`consent` false) is never taken back
by an update. Of disputes and returns there may be several (claims.py).

An erased buyer is stored again only if `accepts_buyer` is set: the order had ended or did not
qualify, and newer news may reopen it. A buyer erased for another reason stays erased.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from trustsvc.orders import claims
from trustsvc.orders.news import OrderNews
from trustsvc.orders.standing import ENDED, ParcelState, Standing
from trustsvc.orders.state import OrderState, order_states

BUYER = ("reference", "email", "name", "buyer", "locale", "zone")
NO_BUYER: dict[str, object] = dict.fromkeys(BUYER) | {"has_buyer": False, "writes_buyer": True}
# Register -> (its time, its values)
REGISTERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "standing": ("standing_at", ("standing",)),
    "dispute": ("dispute_at", ("dispute",)),
    "returns": ("returns_at", ("returns",)),
    "payment": ("payment_at", ("paid", "paid_at")),
    "fulfilment": ("fulfilment_at", ("fulfilled", "shipped_at")),
    "delivery": ("delivery_at", ("delivery",)),
    "consent": ("consent_at", ("consent",)),
    "details": ("details_at", ("skip", "date_unreadable")),
}
CHANGING = (
    *(name for time, values in REGISTERS.values() for name in (time, *values)),
    "claims",
    "contact_at",
    "accepts_buyer",
)
COLUMNS = ("shop_id", "identity", *BUYER, *CHANGING, "state", "created_at", "received_at")
ERASED = "erased"
# What only says that more is to come yields to the order itself of the same second.
YIELDS = {Standing.REFUND_OPEN}


@dataclass(frozen=True, slots=True, repr=False)
class StoredOrder:
    """A row of `orders`; the buyer's fields are set only if they are to be written."""

    shop_id: int
    identity: bytes
    created_at: datetime
    received_at: datetime
    state: OrderState = OrderState.RECEIVED
    standing: Standing = Standing.OPEN
    standing_at: datetime | None = None
    dispute: Standing | None = None
    dispute_at: datetime | None = None
    returns: Standing | None = None
    returns_at: datetime | None = None
    claims: str | None = None  # JSON, see claims.py
    paid: bool | None = None
    paid_at: datetime | None = None
    payment_at: datetime | None = None
    fulfilled: bool | None = None
    shipped_at: datetime | None = None
    fulfilment_at: datetime | None = None
    delivery: ParcelState | None = None
    delivery_at: datetime | None = None
    skip: str | None = None
    date_unreadable: bool = False
    details_at: datetime | None = None
    contact_at: datetime | None = None
    consent: bool | None = None
    consent_at: datetime | None = None
    accepts_buyer: bool = True
    has_buyer: bool = False
    writes_buyer: bool = False
    id: int = 0
    reference: str | None = None
    email: str | None = None
    name: str | None = None
    buyer: bytes | None = None
    locale: str | None = None
    zone: str | None = None

    @property
    def is_over(self) -> bool:
        return not ENDED.isdisjoint({self.standing, self.dispute, self.returns})

    def values(self, names: Sequence[str] = COLUMNS) -> dict[str, object]:
        """Columns to write, by name."""
        return {name: getattr(self, name) for name in names}


def new_order(key: tuple[int, bytes], news: OrderNews) -> StoredOrder:
    """Give the row of an order that was not known; one that has ended holds no buyer."""
    row = StoredOrder(
        shop_id=key[0],
        identity=key[1],
        created_at=news.order.created_at,
        received_at=news.arrived_at,
    )
    merged, _ = merge(row, news)
    state = OrderState.RECEIVED if merged.has_buyer else OrderState.SETTLED
    return replace(merged, state=state)


def merge(known: StoredOrder, news: OrderNews) -> tuple[StoredOrder, list[str]]:
    """Give the merged order and the names of what changed; nothing is changed by old news.

    It is decided on anew while it holds a buyer, and where it ends. Of an order without one, news
    is only kept.
    """
    changed, names = _claims(known, news)
    for register, stated in _stated(news).items():
        time, columns = REGISTERS[register]
        at = _time_of(register, news, known)
        before = getattr(known, time)
        if not _counts(known, register, stated[0], is_older=before is not None and at < before):
            continue
        if before == at and (getattr(known, columns[0]) in ENDED or stated[0] in YIELDS):
            continue
        changed[time] = at
        values = dict(zip(columns, stated, strict=True))
        is_moved = register == "delivery" and at != before  # its time is a date that counts
        if is_moved or any(getattr(known, name) != value for name, value in values.items()):
            changed |= values
            names.append(register)
    row = _with(known, changed)
    row, contact = _contact(row, news, is_news=bool(names))
    names += [contact] if contact else []
    if not names:
        return row, []
    if contact or ((row.has_buyer or not known.is_over) and (row.has_buyer or row.is_over)):
        order_states.require([known.state], OrderState.RECEIVED)
        row = replace(row, state=OrderState.RECEIVED)
    return row, names


def _claims(known: StoredOrder, news: OrderNews) -> tuple[dict[str, object], list[str]]:
    """Merge news of a dispute or return; gives the columns, and the registers that changed."""
    changed: dict[str, object] = {}
    names = []
    kept = known.claims
    for register, state in (("dispute", news.order.dispute), ("returns", news.order.returns)):
        if state is not None:
            time, before = REGISTERS[register][0], getattr(known, register)
            at = _time_of(register, news, known)
            kept, worst = claims.merged(kept, register, news.claim, state, at)
            newest = max(at, getattr(known, time) or at)
            changed |= {"claims": kept, time: newest, register: worst}
            names += [register] if worst is not before else []
    return changed, names


def _with(row: StoredOrder, values: Mapping[str, object]) -> StoredOrder:
    """Give the row with these columns, each of the type its register has."""
    return replace(row, **values)  # type: ignore[arg-type]


def _time_of(register: str, news: OrderNews, known: StoredOrder) -> datetime:
    if register == "delivery" and news.order.delivery_at:
        return min(news.order.delivery_at, news.arrived_at)
    # A restored order only takes its own deletion back.
    is_restored = register == "standing" and known.standing is Standing.CANCELLED
    at = (news.order.standing_at if is_restored else None) or news.as_of
    if news.is_timed:
        return at
    # Without a time it is newer than what is known, whatever the platform's clock says.
    arrived_at = news.arrived_at.replace(microsecond=0)
    return max(arrived_at, getattr(known, REGISTERS[register][0]) or arrived_at)


def _counts(known: StoredOrder, register: str, stated: object, *, is_older: bool) -> bool:
    """Whether a value is taken over: a refusal whenever it arrives, anything else unless older."""
    if register == "consent":
        return known.consent is not False and (stated is False or not is_older)
    return not is_older


def _stated(news: OrderNews) -> dict[str, tuple[object, ...]]:
    """Give the registers that the body says something about."""
    order = news.order
    stated: dict[str, tuple[object, ...]] = {}
    if order.standing is not None:
        stated["standing"] = (order.standing,)
    if order.paid is not None or order.paid_at:
        stated["payment"] = (order.paid is not False, order.paid_at)
    if order.fulfilled is not None or order.shipped_at:
        stated["fulfilment"] = (order.fulfilled is not False, order.shipped_at)
    if order.delivery is not None:
        stated["delivery"] = (order.delivery,)
    if order.consent is not None or order.says_consent:
        stated["consent"] = (order.consent,)
    if order.says_contact or order.date_unreadable:
        stated["details"] = (news.skip, order.date_unreadable)
    return stated


def _contact(row: StoredOrder, news: OrderNews, *, is_news: bool) -> tuple[StoredOrder, str | None]:
    """Take the buyer over from the newest body that names one, and forget one that it removed."""
    order, as_of = news.order, news.as_of
    is_newer = row.contact_at is None or as_of > row.contact_at
    if order.is_anonymised:  # whenever it arrives: who was erased stays erased
        row = replace(row, contact_at=as_of if is_newer else row.contact_at)
        gone = _with(row, NO_BUYER | {"accepts_buyer": False})
        return (gone, ERASED) if row.has_buyer or row.accepts_buyer else (row, None)
    if not order.says_contact or not (is_newer or as_of == row.contact_at):
        return row, None
    row = replace(row, contact_at=as_of)
    if not order.email:  # a newer body may name the buyer again
        was_known = row.has_buyer or row.buyer is not None
        return (_with(row, NO_BUYER), ERASED) if was_known else (row, None)
    if row.is_over or not (row.has_buyer or (row.accepts_buyer and (is_news or is_newer))):
        return row, None
    named: dict[str, object] = {
        "reference": order.reference,
        "email": order.email,
        "name": order.name,
        "buyer": news.buyer_pseudonym,
        "locale": order.locale,
        "zone": order.zone or None,
    }
    if row.has_buyer and all(getattr(row, key) == value for key, value in named.items()):
        return row, None
    return _with(row, named | {"has_buyer": True, "writes_buyer": True}), "contact"
