"""Whether a buyer may be invited. Pure: no database, no clock, no settings.

Legal basis: consent or the exception for customers (§ 7(3) UWG, Tw 11.7, ePrivacy 13(2); BGH VI ZR
225/17: asking for a review is advertising). Frequency cap and reminder are rules of our own.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

LINK_LIFETIME = timedelta(days=90)

Outcome = Literal["ask", "wait", "refuse"]


class ShopRules(Protocol):
    """Settings of a shop."""

    @property
    def closed_at(self) -> datetime | None: ...
    @property
    def may_ask(self) -> str: ...
    @property
    def delay(self) -> int: ...
    @property
    def delay_unit(self) -> str: ...
    @property
    def moment(self) -> str: ...
    @property
    def cap_days(self) -> int: ...
    @property
    def max_age_days(self) -> int: ...


class OrderHistory(Protocol):
    """Events of an order."""

    @property
    def consent(self) -> bool | None: ...
    @property
    def unpaid(self) -> bool: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def paid_at(self) -> datetime | None: ...
    @property
    def shipped_at(self) -> datetime | None: ...
    @property
    def delivered_at(self) -> datetime | None: ...
    @property
    def cancelled_at(self) -> datetime | None: ...
    @property
    def refunded_at(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class BuyerStatus:
    """What is known of the buyer. `recently_invited`: by this shop, or an invitation is planned."""

    registered: bool
    opted_out: bool
    recently_invited: bool
    restricted: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    outcome: Outcome
    rule: str


def may_ask(shop: ShopRules, order: OrderHistory, buyer: BuyerStatus, now: datetime) -> Decision:
    """Decide whether a buyer may be invited; the first rule that applies wins."""
    basis = {
        "registered": buyer.registered,
        "consent": order.consent is True,
        "customers": True,
    }[shop.may_ask]
    reasons: list[tuple[bool, Outcome, str]] = [
        # First, because restricted data is neither used nor erased, whatever else applies.
        (buyer.restricted, "wait", "restricted"),
        (shop.closed_at is not None, "refuse", "shop_closed"),
        (order.cancelled_at is not None, "refuse", "cancelled"),
        (order.refunded_at is not None, "refuse", "refunded"),
        (buyer.opted_out, "refuse", "opted_out"),
        (not basis, "refuse", f"no_basis_{shop.may_ask}"),
        (order.unpaid, "wait", "unpaid"),
        (buyer.recently_invited, "refuse", "asked_before"),
        (now - latest_event(order) > timedelta(days=shop.max_age_days), "refuse", "too_old"),
    ]
    for applies, outcome, rule in reasons:
        if applies:
            return Decision(outcome, rule)
    return Decision("ask", f"may_ask_{shop.may_ask}")


def latest_event(order: OrderHistory) -> datetime:
    """Moment of the latest known event of an order, other than its end."""
    moments = (order.created_at, order.paid_at, order.shipped_at, order.delivered_at)
    return max(moment for moment in moments if moment)


def still_eligible(
    shop: ShopRules, order: OrderHistory, buyer: BuyerStatus, basis: str
) -> str | None:
    """Check again just before sending; gives the reason not to send, or None.

    `basis` is the rule under which the invitation was planned.
    """
    reasons = [
        (buyer.restricted, "restricted"),
        (shop.closed_at is not None, "shop_closed"),
        (order.cancelled_at is not None, "cancelled"),
        (order.refunded_at is not None, "refunded"),
        (buyer.opted_out, "opted_out"),
        (basis == "registered" and not buyer.registered, "no_basis_registered"),
        (basis == "consent" and order.consent is not True, "no_basis_consent"),
    ]
    return next((reason for applies, reason in reasons if applies), None)


def decide_reminder(days: int, shop_language: str, language: str) -> Decision:
    """Decide on the single reminder. German buyers get one only from a German shop that chose it.

    German courts and platforms advise against repeated requests, so the setting of a shop from
    another country does not apply to German buyers.
    """
    if not days:
        return Decision("refuse", "no_reminders")
    if language == "de" and shop_language != "de":
        return Decision("refuse", "no_reminder_de")
    return Decision("ask", f"reminder_after_{days}_days")
