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
from trustsvc.orders.facts import OrderFacts
from trustsvc.orders.platform_status import ParcelState, PlatformStatus

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
    fallback: str = "skip"
    fallback_days: int = 30


def Order(**facts):  # noqa: N802 - reads as the class it makes
    plain = dict.fromkeys(
        (
            "dispute",
            "returns",
            "consent",
            "consent_at",
            "paid",
            "fulfilled",
            "delivery",
            "skip",
            "paid_at",
            "shipped_at",
        )
    ) | {"platform_status": PlatformStatus.OPEN, "date_unreadable": False, "created_at": NOW - DAY}
    plain["received_at"] = NOW - DAY
    return OrderFacts(**{**plain, "delivery_at": None, **facts})


SHOP, ORDER = Shop(), Order()
STRANGER = BuyerStatus(registered=False, opted_out=False, recently_invited=False)
MEMBER = replace(STRANGER, registered=True)
ASKS_ANYWAY = Shop(fallback="ask")
PAID_LONG_AGO = Order(fulfilled=False, paid_at=NOW - 31 * DAY, created_at=NOW - 31 * DAY)


@pytest.mark.parametrize(
    ("shop", "order", "known", "decision"),
    [
        (SHOP, ORDER, STRANGER, ("ask", "may_ask_customers")),
        (Shop(closed_at=NOW), ORDER, STRANGER, ("refuse", "shop_closed")),
        (SHOP, Order(platform_status=PlatformStatus.CANCELLED), STRANGER, ("refuse", "cancelled")),
        (SHOP, Order(platform_status=PlatformStatus.REFUNDED), STRANGER, ("refuse", "refunded")),
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
        (Shop(may_ask="consent"), Order(consent=False), MEMBER, ("refuse", "said_no")),
        (Shop(may_ask="registered"), Order(consent=False), MEMBER, ("refuse", "said_no")),
        (SHOP, Order(consent=False), MEMBER, ("refuse", "said_no")),
        (SHOP, Order(platform_status=PlatformStatus.RETURNED), STRANGER, ("refuse", "returned")),
        (SHOP, Order(dispute=PlatformStatus.CHARGEBACK), STRANGER, ("refuse", "chargeback")),
        (SHOP, Order(returns=PlatformStatus.RETURN_OPEN), STRANGER, ("wait", "return_open")),
        (SHOP, Order(platform_status=PlatformStatus.ON_HOLD), STRANGER, ("wait", "on_hold")),
        (
            SHOP,
            Order(platform_status=PlatformStatus.OTHER_STATUS),
            STRANGER,
            ("wait", "other_status"),
        ),
        (SHOP, Order(returns=PlatformStatus.OPEN), STRANGER, ("ask", "may_ask_customers")),
        (SHOP, Order(date_unreadable=True), STRANGER, ("wait", "date_unreadable")),
        (SHOP, Order(skip="pos"), STRANGER, ("refuse", "skip_pos")),
        (
            SHOP,
            Order(delivery=ParcelState.FAILED, delivery_at=NOW),
            STRANGER,
            ("wait", "delivery_failed"),
        ),
        (
            SHOP,
            Order(delivery=ParcelState.FAILED, delivery_at=NOW - DAY, shipped_at=NOW),
            STRANGER,
            ("ask", "may_ask_customers"),
        ),
        (SHOP, Order(fulfilled=True), STRANGER, ("ask", "may_ask_customers")),
        (ASKS_ANYWAY, PAID_LONG_AGO, STRANGER, ("ask", "may_ask_customers")),
        (
            ASKS_ANYWAY,
            replace(PAID_LONG_AGO, delivery=ParcelState.IN_TRANSIT, delivery_at=NOW),
            STRANGER,
            ("wait", "not_fulfilled"),
        ),
        (
            ASKS_ANYWAY,
            replace(PAID_LONG_AGO, shipped_at=NOW - DAY),
            STRANGER,
            ("wait", "not_fulfilled"),
        ),
        (
            SHOP,
            ORDER,
            replace(STRANGER, address_rule="address_reserved"),
            ("refuse", "address_reserved"),
        ),
        (Shop(may_ask="consent"), Order(consent=True), STRANGER, ("ask", "may_ask_consent")),
        (SHOP, Order(paid=False), STRANGER, ("wait", "unpaid")),
        (SHOP, ORDER, replace(STRANGER, recently_invited=True), ("refuse", "asked_before")),
        (SHOP, ORDER, replace(MEMBER, restricted=True), ("wait", "restricted")),
        (
            Shop(closed_at=NOW),
            Order(platform_status=PlatformStatus.CANCELLED),
            replace(STRANGER, restricted=True, opted_out=True),
            ("wait", "restricted"),
        ),
        (SHOP, Order(created_at=NOW - 60 * DAY), STRANGER, ("ask", "may_ask_customers")),
        (SHOP, Order(created_at=NOW - 61 * DAY), STRANGER, ("refuse", "too_old")),
        (
            SHOP,
            Order(created_at=NOW - 90 * DAY, shipped_at=NOW - DAY),
            STRANGER,
            ("refuse", "too_old"),
        ),
    ],
)
def test_whom_a_shop_may_ask(shop, order, known, decision):
    assert Decision(*decision) == may_ask(shop, order, known, NOW)


def test_the_first_reason_is_the_one_that_is_given():
    shop = Shop(closed_at=NOW, may_ask="registered")
    order = Order(
        platform_status=PlatformStatus.CANCELLED,
        consent=False,
        skip="pos",
        paid=False,
        fulfilled=False,
        date_unreadable=True,
        delivery=ParcelState.SCHEDULED,
        delivery_at=NOW,
        created_at=NOW - 99 * DAY,
    )
    known = BuyerStatus(registered=False, opted_out=True, recently_invited=True)

    rules = []
    for repair in (
        lambda s, o, k: (s, o, k),
        lambda s, o, k: (replace(s, closed_at=None), o, k),
        lambda s, o, k: (s, replace(o, platform_status=PlatformStatus.DISPUTED), k),
        lambda s, o, k: (s, replace(o, consent=None), k),
        lambda s, o, k: (s, o, replace(k, opted_out=False)),
        lambda s, o, k: (s, o, replace(k, registered=True)),
        lambda s, o, k: (s, replace(o, skip=None), k),
        lambda s, o, k: (s, replace(o, created_at=NOW), k),
        lambda s, o, k: (s, replace(o, date_unreadable=False), k),
        lambda s, o, k: (s, replace(o, platform_status=PlatformStatus.OPEN), k),
        lambda s, o, k: (s, replace(o, paid=True), k),
        lambda s, o, k: (s, replace(o, delivery=None), k),
        lambda s, o, k: (s, replace(o, fulfilled=True), k),
        lambda s, o, k: (s, o, replace(k, recently_invited=False)),
    ):
        shop, order, known = repair(shop, order, known)
        rules.append(may_ask(shop, order, known, NOW).rule)

    assert rules == [
        "shop_closed",
        "cancelled",
        "said_no",
        "opted_out",
        "no_basis_registered",
        "skip_pos",
        "too_old",
        "date_unreadable",
        "disputed",
        "unpaid",
        "scheduled",
        "not_fulfilled",
        "asked_before",
        "may_ask_registered",
    ]


@pytest.mark.parametrize(
    ("shop", "order", "known", "basis", "reason"),
    [
        (SHOP, ORDER, STRANGER, "customers", None),
        (SHOP, Order(consent=True), STRANGER, "consent", None),
        (SHOP, Order(consent=False), STRANGER, "consent", "said_no"),
        (SHOP, Order(consent=False), STRANGER, "customers", "said_no"),
        (SHOP, ORDER, STRANGER, "consent", "no_basis_consent"),
        (SHOP, ORDER, MEMBER, "registered", None),
        (SHOP, ORDER, STRANGER, "registered", "no_basis_registered"),
        (Shop(closed_at=NOW), ORDER, STRANGER, "customers", "shop_closed"),
        (SHOP, Order(platform_status=PlatformStatus.CANCELLED), STRANGER, "customers", "cancelled"),
        (SHOP, Order(platform_status=PlatformStatus.REFUNDED), STRANGER, "customers", "refunded"),
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


def test_an_order_that_is_never_sent_is_decided_by_the_shops_fallback():
    order = Order(paid=True, paid_at=NOW - 30 * DAY, created_at=NOW - 31 * DAY, fulfilled=False)
    early = NOW - timedelta(seconds=1)

    assert may_ask(SHOP, order, STRANGER, early) == Decision("wait", "not_fulfilled", NOW)
    assert may_ask(SHOP, order, STRANGER, NOW) == Decision("refuse", "never_fulfilled")
    asks = Shop(fallback="ask")
    assert may_ask(asks, order, STRANGER, NOW) == Decision("ask", "may_ask_customers")


def test_consent_that_nobody_spoke_of_may_come_for_a_day():
    shop, order = Shop(may_ask="consent"), Order(received_at=NOW)

    assert may_ask(shop, order, STRANGER, NOW) == Decision("wait", "no_basis_consent", NOW + DAY)
    for known in (Order(received_at=NOW, consent_at=NOW), Order(received_at=NOW - DAY)):
        assert may_ask(shop, known, STRANGER, NOW) == Decision("refuse", "no_basis_consent")


def test_an_order_with_an_invitation_becomes_no_older():
    order = Order(created_at=NOW - 61 * DAY)

    assert may_ask(SHOP, order, STRANGER, NOW).rule == "too_old"
    invited = replace(STRANGER, invited_at=NOW - 2 * DAY)
    assert may_ask(SHOP, order, invited, NOW).outcome == "ask"
    invited = replace(STRANGER, invited_at=NOW)
    assert may_ask(SHOP, order, invited, NOW).rule == "too_old"
