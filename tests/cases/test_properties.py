"""An order ends where its newest news leaves it, whatever arrives when and how often.

Each example is an order of its own, with buyers of its own, in one database. A snapshot is the
whole order as a platform sends it; an event of the standard endpoint is one piece of news.
"""

import itertools
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tests.invitations.sample_orders import Post, quiet, sent
from trustsvc.crypto import pseudonyms
from trustsvc.invitations.models import invitations, message_of_invitation
from trustsvc.invitations.planning.plan import plan_invitations
from trustsvc.invitations.state import OPEN
from trustsvc.mail.outbox.models import messages
from trustsvc.mail.outbox.state import DUE
from trustsvc.orders import accept
from trustsvc.orders.models import orders
from trustsvc.orders.platforms import PLATFORMS
from trustsvc.orders.received import Ignored
from trustsvc.shops import enrol
from trustsvc.storage import db

pytestmark = pytest.mark.slow

FIRST = datetime(2026, 6, 7, 10, tzinfo=UTC)  # a Sunday
ARRIVES = datetime(2026, 6, 10, 10, tzinfo=UTC)
LATER = ARRIVES + timedelta(days=12)
numbers = itertools.count(1)
SNAPSHOTS = ("woocommerce", "shopify", "lightspeed")

repeated = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def iso(hours):
    return f"{FIRST + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"


@st.composite
def histories(draw, platform):
    """Give a history in order: its news, each an hour later than the one before."""
    kinds = {"standard": EVENTS}.get(platform, STATES)
    history = [
        draw(st.fixed_dictionaries(kinds)) | {"hours": hours}
        for hours in range(1, draw(st.integers(1, 5)) + 1)
    ]
    if platform == "standard" and draw(st.booleans()):
        history[0] |= {"state": "created"}
    return history


@st.composite
def deliveries(draw, platform):
    """Give a history, and the indexes in which it arrives: all of them, some of them often."""
    history = draw(histories(platform))
    again = draw(st.lists(st.integers(0, len(history) - 1), max_size=3))
    return history, draw(st.permutations([*range(len(history)), *again]))


STATES = {
    "state": st.sampled_from(
        ["new", "paid", "shipped", "shipped", "hold", "cancelled", "refunded", "returned"]
    ),
    "refunded": st.sampled_from([0, 0, 5]),
    "address": st.sampled_from(["first", "second", "none"]),
}
EVENTS = {
    "state": st.sampled_from(
        ["paid", "shipped", "shipped", "delivered", "cancelled", "refunded", "on_hold"]
    ),
    "address": st.sampled_from(["first", "second"]),
}


def address_of(number, news):
    return "" if news["address"] == "none" else f"{news['address']}{number}@buyers.example"


def body_of(platform, number, news):
    """Give the topic and the body of a snapshot or an event."""
    return {
        "woocommerce": woocommerce,
        "shopify": shopify,
        "lightspeed": lightspeed,
        "standard": standard,
    }[platform](number, news, iso(news["hours"]), address_of(number, news))


def woocommerce(number, news, at, email):
    state = news["state"]
    status = {"new": "pending", "paid": "processing", "shipped": "completed", "hold": "on-hold"}
    body = {
        "id": number,
        "number": str(number),
        "status": status.get(state, state),
        "total": "39.95",
        "date_created_gmt": iso(0)[:-1],
        "date_modified_gmt": at[:-1],
        "date_paid_gmt": None if state == "new" else iso(0)[:-1],
        "date_completed_gmt": at[:-1] if state == "shipped" else None,
        "billing": {"first_name": "Anna", "last_name": "Bakker", "email": email},
        "meta_data": news.get("meta", []),
        "refunds": [{"id": 1, "total": f"-{news['refunded']}.00"}] if news["refunded"] else [],
    }
    return "order.updated", body


def shopify(number, news, at, email):
    state = news["state"]
    is_sent = state in {"shipped", "refunded", "returned"}
    money = {"new": "pending", "refunded": "refunded", "hold": "authorized"}
    part = "partially_refunded" if news["refunded"] else "paid"
    parcel = {"id": 1, "created_at": at, "updated_at": at, "status": "success"}
    body = {
        "id": number,
        "order_number": number,
        "name": f"#{number}",
        "created_at": iso(0),
        "processed_at": iso(0),
        "updated_at": at,
        "customer_locale": "nl-NL",
        "email": email,
        "financial_status": money.get(state, part),
        "fulfillment_status": "fulfilled" if is_sent else None,
        "cancelled_at": at if state == "cancelled" else None,
        "customer": {"first_name": "Anna", "last_name": "Bakker", "email": email},
        "fulfillments": [parcel] if is_sent else [],
        "line_items": [{"id": 1}],
        "refunds": [],
        "returns": [{"id": 1, "status": "open"}] if state == "returned" else [],
        "tags": news.get("tags", ""),
    }
    return "orders/updated", body


def lightspeed(number, news, at, email):
    state = news["state"]
    status = {
        "new": "processing_awaiting_payment",
        "paid": "processing_awaiting_shipment",
        "hold": "on_hold",
        "cancelled": "cancelled",
    }.get(state, "completed_shipped")
    goods = {
        "quantityOrdered": 2,
        "quantityRefunded": 2 if state == "refunded" else int(bool(news["refunded"])),
        "quantityReturned": 2 if state == "returned" else 0,
    }
    order = {
        "id": number,
        "number": f"ORD{number}",
        "createdAt": iso(0),
        "updatedAt": at,
        "status": status,
        "paymentStatus": "not_paid" if state == "new" else "paid",
        "shipmentStatus": "shipped" if status == "completed_shipped" else "not_shipped",
        "shippingDate": None,
        "email": email,
        "firstname": "Anna",
        "lastname": "Bakker",
        "language": {"code": "nl", "locale": "nl_NL"},
        "products": {"resource": {"embedded": [goods]}},
    }
    return "orders/updated", {"order": order}


def standard(number, news, at, email):
    data = {"reference": str(number), "email": email, "name": "Anna Bakker", "moment": at}
    state = news["state"]
    is_status = state not in {"created", "paid", "shipped", "delivered", "cancelled", "refunded"}
    kind = "updated" if is_status else state
    data |= {"status": state} if is_status else {}
    data |= {"consent": news["consent"]} if "consent" in news else {}
    return "", {"type": f"order.{kind}", "timestamp": at, "data": data}


HEADERS = {"shopify": "X-Shopify-Topic", "woocommerce": "X-WC-Webhook-Topic"}


def deliver(shop, platform, number, history):
    """Let news arrive, one after the other, each followed by a decision; gives where it ends."""
    identity = ""
    for news in history:
        topic, body = body_of(platform, number, news)
        encoded = json.dumps(body).encode()
        headers = {HEADERS[platform]: topic} if platform in HEADERS else {}
        order = PLATFORMS[platform].parse(headers, encoded, ARRIVES)
        if isinstance(order, Ignored):
            continue
        identity = order.identity
        with db.transaction() as session, quiet():
            accept.accept(session, [accept.incoming_order(shop, order, encoded)], ARRIVES)
        with db.transaction() as session, quiet():
            plan_invitations(session, ARRIVES)
    return end_of(shop, identity, number)


def end_of(shop, identity, number):
    """Give when the invitation is due and to which address; None where none is planned."""
    with db.reading() as session:
        row = session.execute(
            select(orders.c.email, messages.c.due_at)
            .join(invitations, invitations.c.order_id == orders.c.id)
            .join(messages, message_of_invitation)
            .where(
                orders.c.identity == pseudonyms.text_pseudonym(shop.id, identity),
                invitations.c.state == OPEN,
                messages.c.state == DUE,
            )
        ).first()
    return (row.due_at, row.email.replace(str(number), "")) if row else None


def to_whom(end):
    return end and end[1]


@pytest.fixture
def shops(installation):
    made = {}
    with db.transaction() as session, quiet():
        for platform in PLATFORMS:
            new = enrol.Enrolment("Shop", "shop.example", platform, may_ask="customers")
            made[platform], _ = enrol.enrol(session, new, FIRST)
    return made


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_order_of_arrival_and_repetitions_change_nothing(shops, platform):
    @repeated
    @given(deliveries(platform))
    def check(given_deliveries):
        history, arrivals = given_deliveries
        shop = shops[platform]
        in_order = deliver(shop, platform, next(numbers), history)
        as_arrived = deliver(shop, platform, next(numbers), [history[i] for i in arrivals])
        assert as_arrived == in_order

    check()


@pytest.mark.parametrize("platform", SNAPSHOTS)
def test_an_order_ends_as_its_newest_snapshot_alone(shops, platform):
    @repeated
    @given(deliveries(platform))
    def check(given_deliveries):
        history, arrivals = given_deliveries
        shop = shops[platform]
        newest = deliver(shop, platform, next(numbers), history[-1:])
        as_arrived = deliver(shop, platform, next(numbers), [history[i] for i in arrivals])
        # Lightspeed states no date of shipment: of the time only the history knows more.
        is_dated = platform != "lightspeed"
        assert (as_arrived == newest) if is_dated else (to_whom(as_arrived) == to_whom(newest))

    check()


ANONYMISED = {"meta": [{"id": 1, "key": "_anonymized", "value": "yes"}], "address": "none"}
REFUSALS = {
    "woocommerce": {"meta": [{"id": 1, "key": "trustsvc_consent", "value": "no"}]},
    "shopify": {"tags": "do-not-ask"},
    "standard": {"consent": False},
}
ENDS = {platform: [{"state": "cancelled"}, {"state": "refunded"}] for platform in PLATFORMS} | {
    platform: [{"state": "cancelled"}, {"state": "returned"}] for platform in SNAPSHOTS
}


def changes(platform):
    """Give what ends the asking, and whether it must be the newest news to do so."""
    yield from ((end, True) for end in ENDS[platform])
    if platform in REFUSALS:
        yield REFUSALS[platform], False
    if platform == "woocommerce":
        yield ANONYMISED, False


@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_erased_refused_cancelled_or_returned_buyer_is_never_asked(shops, platform):
    @repeated
    @given(deliveries(platform), st.sampled_from(list(changes(platform))), st.data())
    def check(given_deliveries, change, data):
        history, arrivals = given_deliveries
        news, must_be_newest = change
        at = -1 if must_be_newest else data.draw(st.integers(0, len(history) - 1))
        history[at] |= news
        number = next(numbers)
        deliver(shops[platform], platform, number, [history[i] for i in arrivals])
        post = sent(Post(), LATER)
        assert [x.to_address for x in post.messages if str(number) in x.to_address] == []

    check()
