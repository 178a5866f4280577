"""Whether a buyer may be invited. Pure: no database, no clock, no settings.

Legal basis: consent or the exception for customers (§ 7(3) UWG, Tw 11.7, ePrivacy 13(2); BGH VI ZR
225/17: asking for a review is advertising). The rules on refunds and returns are stated on the
shop's public page: leaving out who was partly refunded would leave out who is dissatisfied.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from trustsvc.orders.decision_codes import Outcome
from trustsvc.orders.facts import OrderFacts
from trustsvc.orders.platform_status import ENDED, NOT_DELIVERED, PlatformStatus

REVIEW_LINK_LIFETIME = timedelta(days=90)
EXPLICIT_NO = "said_no"
NO_CONSENT = "no_basis_consent"
CONSENT_WAIT = timedelta(days=1)  # for news that is on its way
NOT_FULFILLED = "not_fulfilled"
NEVER_FULFILLED = "never_fulfilled"
NO_CONTACT = "no_contact"
RESTRICTED = "restricted"
ANOTHER_PLANNED = "another_planned"
# What ends an invitation that the buyer holds already; other rules decide before it is sent.
ENDS_SENT = frozenset({*ENDED, EXPLICIT_NO, NO_CONTACT})


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
    @property
    def fallback(self) -> str: ...
    @property
    def fallback_days(self) -> int: ...


@dataclass(frozen=True, slots=True)
class BuyerStatus:
    """What is known of the buyer. `recently_invited`: by this shop.

    `planned_until`: another invitation is planned, and has left by then unless it is withdrawn.
    `address_rule` says why the address is never written to. `invited_at`: when the invitation about
    this order was planned, which is never too old later.
    """

    registered: bool
    opted_out: bool
    recently_invited: bool
    planned_until: datetime | None = None
    restricted: bool = False
    address_rule: str | None = None
    invited_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """`decide_at`: when a wait ends without news; None where only news ends it."""

    outcome: Outcome
    rule: str
    decide_at: datetime | None = None


def may_ask(shop: ShopRules, order: OrderFacts, buyer: BuyerStatus, now: datetime) -> Decision:
    """Decide whether a buyer may be invited; the first rule that applies wins."""
    refusal = _refusal(shop, order, buyer, basis=shop.may_ask)
    consent_until = _consent_until(order, now) if refusal == NO_CONSENT else None
    delivery = _undelivered(order)
    age = (buyer.invited_at or now) - first_event(order)
    reasons: list[tuple[bool, Outcome, str]] = [
        # First, because restricted data is neither used nor erased, whatever else applies.
        (buyer.restricted, Outcome.WAIT, RESTRICTED),
        (consent_until is not None, Outcome.WAIT, NO_CONSENT),
        (refusal is not None, Outcome.REFUSE, refusal or ""),
        (order.skip is not None, Outcome.REFUSE, f"skip_{order.skip}"),
        (age > timedelta(days=shop.max_age_days), Outcome.REFUSE, "too_old"),
        (order.date_unreadable, Outcome.WAIT, "date_unreadable"),
        (order.whole_status is not PlatformStatus.OPEN, Outcome.WAIT, order.whole_status),
        (order.paid is False, Outcome.WAIT, "unpaid"),
        (delivery is not None, Outcome.WAIT, delivery or ""),
    ]
    for applies, outcome, rule in reasons:
        if applies:
            return Decision(outcome, rule, consent_until if rule == NO_CONSENT else None)
    if unfulfilled := _unfulfilled(shop, order, now):
        return unfulfilled
    if buyer.recently_invited:
        return Decision(Outcome.REFUSE, "asked_before")
    if buyer.planned_until:
        return Decision(Outcome.WAIT, ANOTHER_PLANNED, buyer.planned_until)
    return Decision(Outcome.ASK, f"may_ask_{shop.may_ask}")


def _refusal(shop: ShopRules, order: OrderFacts, buyer: BuyerStatus, basis: str) -> str | None:
    """Give the reason that ends an invitation whether it is planned or about to leave."""
    reasons = [
        (shop.closed_at is not None, "shop_closed"),
        (order.whole_status in ENDED, order.whole_status.value),
        (order.consent is False, EXPLICIT_NO),
        (buyer.opted_out, "opted_out"),
        (basis == "registered" and not buyer.registered, "no_basis_registered"),
        (basis == "consent" and order.consent is not True, NO_CONSENT),
        (buyer.address_rule is not None, buyer.address_rule or ""),
    ]
    return next((reason for applies, reason in reasons if applies), None)


def _consent_until(order: OrderFacts, now: datetime) -> datetime | None:
    """Give until when consent may still come, where no body states anything of it."""
    until = order.received_at + CONSENT_WAIT
    return until if order.consent_at is None and not order.skip and now < until else None


def _unfulfilled(shop: ShopRules, order: OrderFacts, now: datetime) -> Decision | None:
    """Decide on an order that was not sent, or not all of it.

    The fallback is for shops that never tell what they send: a part of an order waits.
    """
    if order.fulfilled is not False:
        return None
    ends = (order.paid_at or order.created_at) + timedelta(days=shop.fallback_days)
    if now < ends:
        return Decision(Outcome.WAIT, NOT_FULFILLED, ends)
    if shop.fallback == "skip":
        return Decision(Outcome.REFUSE, NEVER_FULFILLED)
    tells_of_parcels = order.delivery is not None or order.shipped_at is not None
    return Decision(Outcome.WAIT, NOT_FULFILLED) if tells_of_parcels else None


def _undelivered(order: OrderFacts) -> str | None:
    """Give the carrier's reason to wait, unless a later parcel has left since."""
    if order.delivery not in NOT_DELIVERED:
        return None
    if order.shipped_at and order.delivery_at and order.shipped_at > order.delivery_at:
        return None
    return order.delivery


def first_event(order: OrderFacts) -> datetime:
    """Moment of the first event: an old order that is closed in bulk today is still old."""
    moments = (order.created_at, order.paid_at, order.shipped_at)
    return min(moment for moment in moments if moment)


def still_eligible(
    shop: ShopRules, order: OrderFacts, buyer: BuyerStatus, basis: str
) -> str | None:
    """Check again just before sending; gives the reason not to send, or None.

    `basis` is the rule under which the invitation was planned. What makes an order wait needs no
    check here: an order with news is decided again before its message leaves.
    """
    if buyer.restricted:
        return RESTRICTED
    return _refusal(shop, order, buyer, basis)


def may_return(rule: str) -> bool:
    """Whether news of the shop may bring an order back that was refused by this rule."""
    return (
        rule in ENDED
        or rule in {NEVER_FULFILLED, "no_basis_registered", "no_basis_consent", NO_CONTACT}
        or rule.startswith(("skip_", "address_"))
    )


def decide_reminder(days: int, shop_language: str, language: str) -> Decision:
    """Decide on the single reminder. German buyers get one only from a German shop that chose it.

    German courts and platforms advise against repeated requests, so the setting of a shop from
    another country does not apply to German buyers.
    """
    if not days:
        return Decision(Outcome.REFUSE, "no_reminders")
    if language == "de" and shop_language != "de":
        return Decision(Outcome.REFUSE, "no_reminder_de")
    return Decision(Outcome.ASK, f"reminder_after_{days}_days")
