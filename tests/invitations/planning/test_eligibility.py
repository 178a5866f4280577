from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from trustsvc.invitations.planning.eligibility import (
    BuyerStatus,
    Decision,
    decide_reminder,
    may_ask,
    still_eligible,
)

NOW = datetime(2026, 6, 10, 10, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Shop:
    closed_at: datetime | None = None
    may_ask: str = "customers"
    delay: int = 7
    delay_unit: str = "days"
    moment: str = "shipped"
    cap_days: int = 30
    max_age_days: int = 60


@dataclass(frozen=True)
class Order:
    consent: bool | None = None
    unpaid: bool = False
    created_at: datetime = NOW - DAY
    paid_at: datetime | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    cancelled_at: datetime | None = None
    refunded_at: datetime | None = None


SHOP, ORDER = Shop(), Order()
STRANGER = BuyerStatus(registered=False, opted_out=False, recently_invited=False)
MEMBER = replace(STRANGER, registered=True)


@pytest.mark.parametrize(
    ("shop", "order", "known", "decision"),
    [
        (SHOP, ORDER, STRANGER, ("ask", "may_ask_customers")),
        (Shop(closed_at=NOW), ORDER, STRANGER, ("refuse", "shop_closed")),
        (SHOP, Order(cancelled_at=NOW), STRANGER, ("refuse", "cancelled")),
        (SHOP, Order(refunded_at=NOW), STRANGER, ("refuse", "refunded")),
        (SHOP, ORDER, replace(MEMBER, opted_out=True), ("refuse", "opted_out")),
        (Shop(may_ask="registered"), ORDER, STRANGER, ("refuse", "no_basis_registered")),
        (
            Shop(may_ask="registered"),
            Order(consent=True),
            STRANGER,
            ("refuse", "no_basis_registered"),
        ),
        (Shop(may_ask="registered"), ORDER, MEMBER, ("ask", "may_ask_registered")),
        (Shop(may_ask="consent"), ORDER, MEMBER, ("refuse", "no_basis_consent")),
        (Shop(may_ask="consent"), Order(consent=False), MEMBER, ("refuse", "no_basis_consent")),
        (Shop(may_ask="consent"), Order(consent=True), STRANGER, ("ask", "may_ask_consent")),
        (SHOP, Order(unpaid=True), STRANGER, ("wait", "unpaid")),
        (SHOP, ORDER, replace(STRANGER, recently_invited=True), ("refuse", "asked_before")),
        (SHOP, ORDER, replace(MEMBER, restricted=True), ("wait", "restricted")),
        (
            Shop(closed_at=NOW),
            Order(cancelled_at=NOW),
            replace(STRANGER, restricted=True, opted_out=True),
            ("wait", "restricted"),
        ),
        (SHOP, Order(created_at=NOW - 60 * DAY), STRANGER, ("ask", "may_ask_customers")),
        (SHOP, Order(created_at=NOW - 61 * DAY), STRANGER, ("refuse", "too_old")),
        (
            SHOP,
            Order(created_at=NOW - 90 * DAY, shipped_at=NOW - DAY),
            STRANGER,
            ("ask", "may_ask_customers"),
        ),
    ],
)
def test_whom_a_shop_may_ask(shop, order, known, decision):
    assert Decision(*decision) == may_ask(shop, order, known, NOW)


def test_the_first_reason_is_the_one_that_is_told():
    shop = Shop(closed_at=NOW, may_ask="registered")
    order = Order(cancelled_at=NOW, refunded_at=NOW, unpaid=True, created_at=NOW - 99 * DAY)
    known = BuyerStatus(registered=False, opted_out=True, recently_invited=True)

    told = []
    for repair in (
        lambda s, o, k: (s, o, k),
        lambda s, o, k: (replace(s, closed_at=None), o, k),
        lambda s, o, k: (s, replace(o, cancelled_at=None), k),
        lambda s, o, k: (s, replace(o, refunded_at=None), k),
        lambda s, o, k: (s, o, replace(k, opted_out=False)),
        lambda s, o, k: (s, o, replace(k, registered=True)),
        lambda s, o, k: (s, replace(o, unpaid=False), k),
        lambda s, o, k: (s, o, replace(k, recently_invited=False)),
        lambda s, o, k: (s, replace(o, created_at=NOW), k),
    ):
        shop, order, known = repair(shop, order, known)
        told.append(may_ask(shop, order, known, NOW).rule)

    assert told == [
        "shop_closed",
        "cancelled",
        "refunded",
        "opted_out",
        "no_basis_registered",
        "unpaid",
        "asked_before",
        "too_old",
        "may_ask_registered",
    ]


@pytest.mark.parametrize(
    ("shop", "order", "known", "basis", "reason"),
    [
        (SHOP, ORDER, STRANGER, "customers", None),
        (SHOP, Order(consent=True), STRANGER, "consent", None),
        (SHOP, Order(consent=False), STRANGER, "consent", "no_basis_consent"),
        (SHOP, ORDER, STRANGER, "consent", "no_basis_consent"),
        (SHOP, ORDER, MEMBER, "registered", None),
        (SHOP, ORDER, STRANGER, "registered", "no_basis_registered"),
        (Shop(closed_at=NOW), ORDER, STRANGER, "customers", "shop_closed"),
        (SHOP, Order(cancelled_at=NOW), STRANGER, "customers", "cancelled"),
        (SHOP, Order(refunded_at=NOW), STRANGER, "customers", "refunded"),
        (SHOP, ORDER, replace(STRANGER, opted_out=True), "customers", "opted_out"),
    ],
)
def test_what_stops_a_message_at_the_last_moment(shop, order, known, basis, reason):
    assert reason == still_eligible(shop, order, known, basis)


@pytest.mark.parametrize(
    ("days", "shop_language", "language", "decision"),
    [
        (0, "nl", "nl", ("refuse", "no_reminders")),
        (0, "de", "de", ("refuse", "no_reminders")),
        (7, "nl", "nl", ("ask", "reminder_after_7_days")),
        (7, "nl", "de", ("refuse", "no_reminder_de")),
        (7, "de", "de", ("ask", "reminder_after_7_days")),
        (7, "de", "nl", ("ask", "reminder_after_7_days")),
    ],
)
def test_who_gets_the_one_reminder(days, shop_language, language, decision):
    assert Decision(*decision) == decide_reminder(days, shop_language, language)


def test_what_is_restricted_does_not_leave():
    assert (
        still_eligible(SHOP, ORDER, replace(MEMBER, restricted=True), "customers") == "restricted"
    )
