"""What the standard endpoint's fields of money and shipping say of an order. Pure."""

from datetime import datetime

from trustsvc.orders.platform_status import PlatformStatus
from trustsvc.orders.platforms import amounts, fields, standard_fields, standard_words
from trustsvc.orders.platforms.standard_words import StateMeaning

STATED_ENDS = {"cancelled": PlatformStatus.CANCELLED, "refunded": PlatformStatus.REFUNDED}
# Of the fields of money and of shipping; any other word of these waits.
PAID_WORDS = {"paid", "captured", "succeeded", "success", "completed", "complete", "settled"}
PAID_WORDS |= {"partially_refunded", "refunded_partially", "refunded", "overpaid", "free"}
SENT_WORDS = {"fulfilled", "shipped", "sent", "completed", "complete", "delivered", "picked_up"}
SENT_WORDS |= {"in_transit", "out_for_delivery"}
NOTHING_TO_SEND = {"not_required", "not_applicable", "none", "n/a", "digital"}


def platform_status(
    data: fields.Tree, meaning: StateMeaning, now: datetime
) -> PlatformStatus | None:
    """Read the platform's status; only a refund of the whole total ends an order.

    A part of the money, or none, changes nothing: not even a cancellation. Of a refund whose part
    is not known, a body with the total must tell.
    """
    found = _stated_end(data, meaning, now) or meaning.platform_status
    money = {fields.word(data, path) for path in standard_fields.PAYMENT_STATUS}
    if found in {None, PlatformStatus.OPEN} and "refunded" in money:
        found = PlatformStatus.REFUNDED
    if found not in {None, PlatformStatus.OPEN, PlatformStatus.REFUNDED} or meaning.is_full:
        return found
    if meaning.is_part:
        return None if found is PlatformStatus.REFUNDED else found
    whole = amounts.amount(data, *total(meaning))
    back = amounts.amount(data, *standard_fields.REFUNDED)
    if back is None and is_refund(meaning) and whole is not None:
        back = amounts.amount(data, standard_fields.AMOUNT)
    if back is None:
        return found
    if amounts.is_all(back, whole):
        return PlatformStatus.REFUNDED
    if whole is None and back and found is PlatformStatus.REFUNDED:
        return PlatformStatus.REFUND_OPEN
    return None if found is PlatformStatus.REFUNDED else found


def _stated_end(data: fields.Tree, meaning: StateMeaning, now: datetime) -> PlatformStatus | None:
    """Read the date of an end, unless the type reports that the order went on after it."""
    sent_at = fields.moment(data, now, *standard_fields.MOMENT)
    for event, end in STATED_ENDS.items():
        names = standard_fields.EVENT_AT[event]
        if fields.is_dated(data, *names):
            ended_at = fields.moment(data, now, *names)
            went_on = meaning.is_progress and sent_at and ended_at and sent_at > ended_at
            if not went_on:
                return end
    return None


def is_refund(meaning: StateMeaning) -> bool:
    return meaning.is_part or meaning.platform_status is PlatformStatus.REFUNDED


def total(meaning: StateMeaning) -> tuple[str, ...]:
    """Give the names of the whole order's total; in news of a refund `amount` is none."""
    return standard_fields.WHOLE if is_refund(meaning) else standard_fields.TOTAL


def paid(data: fields.Tree, meaning: StateMeaning) -> bool | None:
    """Say whether it is paid; a field that says it is not counts before type and status."""
    known = _status(data, standard_fields.PAYMENT_STATUS, PAID_WORDS)
    flags = {fields.flag(data, path) for path in standard_fields.PAID}
    if known is False or False in flags:
        return False
    if meaning.paid is None and (known or True in flags):
        return True
    return meaning.paid


def fulfilled(data: fields.Tree, meaning: StateMeaning, *, is_delivered: bool) -> bool | None:
    """Say whether all of it was sent; a field that says it was not counts before the type."""
    known = _status(data, standard_fields.FULFILLMENT_STATUS, SENT_WORDS)
    if known is False:
        return False
    if meaning.fulfilled is not None:
        return meaning.fulfilled
    return True if known or is_delivered else None


def _status(data: fields.Tree, paths: tuple[str, ...], good: set[str]) -> bool | None:
    words = {standard_words.normalised(fields.text(data, path)) for path in paths}
    words -= {"", *NOTHING_TO_SEND}
    return words <= good if words else None
