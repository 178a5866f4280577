"""Also tests:
trustsvc/orders/claims.py
trustsvc/orders/skip.py
trustsvc/orders/milestone.py
trustsvc/orders/news.py
trustsvc/orders/aspects.py
"""

import itertools
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustsvc.orders import merge
from trustsvc.orders.news import OrderNews
from trustsvc.orders.platform_status import ParcelState, PlatformStatus
from trustsvc.orders.received import OrderReceived
from trustsvc.orders.state import OrderState

pytestmark = pytest.mark.slow

NOW = datetime(2026, 6, 10, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)
KEY = (1, b"order")
STANDINGS = list(PlatformStatus)


def news(order, arrived_at=NOW + timedelta(days=2)):
    return OrderNews(order, order.email.encode() or None, None, arrived_at)


def order(**fields):
    return OrderReceived("1", NOW - timedelta(days=3), **fields)


def merged(history):
    row = None
    for one in history:
        row = merge.new_order(KEY, one) if row is None else merge.merge(replace(row, id=1), one)[0]
    return row


def known(row):
    """Give what decides about an invitation."""
    names = (
        "platform_status",
        "dispute",
        "returns",
        "paid",
        "paid_at",
        "fulfilled",
        "shipped_at",
        "delivery",
    )
    buyer = ("email", "name", "has_buyer") if not row.is_over else ()
    return {name: getattr(row, name) for name in (*names, "delivery", *buyer)}


snapshots = st.builds(
    dict,
    platform_status=st.sampled_from(STANDINGS),
    paid=st.booleans(),
    fulfilled=st.booleans(),
    email=st.sampled_from(["anna@mail.example", "anna@other.example", ""]),
    name=st.sampled_from(["Anna", "Anna B"]),
)


@given(st.lists(snapshots, min_size=1, max_size=6), st.randoms(use_true_random=False), st.data())
def test_any_order_and_repetition_of_snapshots_ends_as_the_newest_alone(states, shuffle, data):
    history = [
        news(order(is_whole=True, modified_at=NOW + timedelta(seconds=second), **state))
        for second, state in enumerate(states)
    ]
    arrived = history + data.draw(st.lists(st.sampled_from(history), max_size=4))
    shuffle.shuffle(arrived)

    assert known(merged(arrived)) == known(merged([history[-1]]))


EVENTS = [
    {"paid": True, "platform_status": PlatformStatus.OPEN},
    {"fulfilled": True, "platform_status": PlatformStatus.OPEN},
    {"platform_status": PlatformStatus.CANCELLED},
    {"platform_status": PlatformStatus.REFUND_OPEN},
    {"dispute": PlatformStatus.DISPUTED},
    {"dispute": PlatformStatus.OPEN},
    {"returns": PlatformStatus.RETURN_OPEN},
    {"returns": PlatformStatus.OPEN},
    {"delivery": ParcelState.FAILED},
    {"delivery": ParcelState.DELIVERED},
    {"paid": False},
    {"consent": False},
]


@given(st.lists(st.sampled_from(EVENTS), min_size=1, max_size=7), st.integers())
def test_any_order_of_events_ends_the_same(events, seed):
    history = [news(order(email="anna@mail.example", is_creation=True))]
    history += [
        news(order(modified_at=NOW + timedelta(seconds=second), **event))
        for second, event in enumerate(events)
    ]
    shuffled = history[1:]
    random.Random(seed).shuffle(shuffled)

    straight, other = merged(history), merged([history[0], *shuffled])
    assert known(straight) | {"consent": straight.consent} == known(other) | {
        "consent": other.consent
    }


def test_an_end_stays_against_news_of_the_same_second_and_yields_to_later_news():
    first = news(order(platform_status=PlatformStatus.CANCELLED, modified_at=NOW))
    same = news(
        order(platform_status=PlatformStatus.OPEN, modified_at=NOW, email="anna@mail.example")
    )
    later = news(
        order(
            platform_status=PlatformStatus.OPEN,
            modified_at=NOW + timedelta(seconds=1),
            email="anna@mail.example",
        )
    )

    assert merged([first, same]).platform_status is PlatformStatus.CANCELLED
    back = merged([first, later])
    assert (back.platform_status, back.email, back.state) == (
        PlatformStatus.OPEN,
        "anna@mail.example",
        OrderState.RECEIVED,
    )


def test_what_an_order_was_like_when_it_was_placed_is_older_than_any_news():
    cancelled = news(
        order(platform_status=PlatformStatus.CANCELLED, modified_at=NOW - timedelta(days=1))
    )
    created = news(
        order(platform_status=PlatformStatus.OPEN, is_creation=True, email="anna@mail.example")
    )

    row = merged([cancelled, created])
    assert (row.platform_status, row.email) == (PlatformStatus.CANCELLED, None)


@pytest.mark.parametrize("accepts", [True, False])
def test_an_erased_buyer_comes_back_only_where_news_may_bring_them_back(accepts):
    row = replace(
        merged([news(order(email="anna@mail.example", modified_at=NOW))]),
        email=None,
        has_buyer=False,
        accepts_buyer=accepts,
        id=1,
    )

    later = news(order(email="anna@mail.example", modified_at=NOW + timedelta(seconds=1)))

    assert merge.merge(row, later)[0].has_buyer is accepts


def test_a_buyer_whom_the_shop_erased_is_forgotten_for_good():
    row = merged([news(order(email="anna@mail.example", modified_at=NOW, is_whole=True))])
    gone, names = merge.merge(
        replace(row, id=1),
        news(
            order(
                email="deleted@site.invalid",
                is_anonymised=True,
                is_whole=True,
                modified_at=NOW + timedelta(seconds=1),
            )
        ),
    )

    assert (gone.email, gone.buyer_pseudonym, gone.accepts_buyer, names) == (
        None,
        None,
        False,
        ["erased"],
    )


def test_an_address_that_was_emptied_first_is_not_brought_back_by_an_older_body():
    emptied = news(order(is_whole=True, modified_at=NOW))
    placed = news(order(is_creation=True, is_whole=True, email="anna@mail.example"))
    older = news(order(is_whole=True, email="anna@mail.example", modified_at=NOW - SECOND))
    newer = news(order(is_whole=True, email="anna@mail.example", modified_at=NOW + SECOND))

    assert not merged([emptied, placed, older]).has_buyer
    assert {merged(one).email for one in itertools.permutations([placed, emptied, newer])} == {
        "anna@mail.example"
    }


def test_an_address_that_is_emptied_again_is_no_second_erasure():
    row = merged([news(order(is_whole=True, email="anna@mail.example", modified_at=NOW))])
    changes = []
    for seconds in (1, 2):
        emptied = news(order(is_whole=True, modified_at=NOW + seconds * SECOND))
        row, names = merge.merge(replace(row, id=1), emptied)
        changes.append(names)

    assert changes == [["erased"], []]


def test_a_refusal_is_never_taken_back():
    row = merged([news(order(email="anna@mail.example", consent=False, modified_at=NOW))])
    yes = news(order(consent=True, modified_at=NOW + timedelta(days=1)))

    assert merge.merge(row, yes)[0].consent is False


def test_news_without_a_time_is_newer_whatever_the_clock_of_the_platform_says():
    ahead = news(
        order(platform_status=PlatformStatus.OPEN, modified_at=NOW + timedelta(minutes=3)), NOW
    )
    deleted = news(order(platform_status=PlatformStatus.CANCELLED), NOW + timedelta(minutes=2))
    again = news(
        order(platform_status=PlatformStatus.OPEN, modified_at=NOW + timedelta(minutes=3)),
        NOW + timedelta(minutes=9),
    )

    assert merged([ahead, deleted, again]).platform_status is PlatformStatus.CANCELLED


def test_a_time_far_ahead_counts_as_that_of_arrival():
    ahead = news(
        order(platform_status=PlatformStatus.OPEN, modified_at=NOW + timedelta(hours=23)), NOW
    )
    refunded = news(
        order(platform_status=PlatformStatus.REFUNDED, modified_at=NOW + timedelta(minutes=5)),
        NOW + timedelta(minutes=5),
    )

    assert merged([ahead, refunded]).platform_status is PlatformStatus.REFUNDED


def test_a_declined_return_ends_no_dispute():
    history = [
        order(email="anna@mail.example", is_creation=True),
        order(dispute=PlatformStatus.CHARGEBACK, modified_at=NOW),
        order(returns=PlatformStatus.OPEN, modified_at=NOW + timedelta(seconds=1)),
    ]

    assert merged([news(one) for one in history]).is_over


@pytest.mark.parametrize(
    ("news_of_each", "stands"),
    [
        ([(b"1", "disputed"), (b"2", "disputed"), (b"2", "open")], PlatformStatus.DISPUTED),
        (
            [(b"1", "disputed"), (b"2", "disputed"), (b"1", "open"), (b"2", "open")],
            PlatformStatus.OPEN,
        ),
        ([(b"1", "chargeback"), (b"2", "disputed"), (b"2", "open")], PlatformStatus.CHARGEBACK),
        ([(b"1", "disputed"), (b"1", "chargeback"), (b"1", "open")], PlatformStatus.OPEN),
        ([(b"1", "disputed"), (None, "open")], PlatformStatus.OPEN),
        ([(None, "disputed"), (b"1", "open")], PlatformStatus.DISPUTED),
    ],
)
def test_of_several_disputes_the_newest_of_each_counts_in_any_sequence(news_of_each, stands):
    placed = news(order(email="anna@mail.example", is_creation=True))
    history = [
        replace(
            news(order(dispute=PlatformStatus(state), modified_at=NOW + number * SECOND)),
            claim=claim,
        )
        for number, (claim, state) in enumerate(news_of_each)
    ]

    ends = {merged([placed, *some]).dispute for some in itertools.permutations(history)}

    assert ends == {stands}


def test_a_refund_of_unknown_amount_yields_to_the_order_of_the_same_second():
    known = news(
        order(platform_status=PlatformStatus.OPEN, modified_at=NOW, email="anna@mail.example")
    )
    refund = news(order(platform_status=PlatformStatus.REFUND_OPEN, modified_at=NOW))

    assert merged([known, refund]).platform_status is PlatformStatus.OPEN


def on(hours, **values):
    at = NOW + timedelta(hours=hours)
    parcel = values.pop("parcel", "")
    stated = order(modified_at=at, **values)
    return replace(news(stated), parcel=parcel.encode() or None)


def test_good_news_of_a_parcel_leaves_another_that_failed():
    failed = on(1, delivery=ParcelState.FAILED, parcel="1")
    other = on(2, delivery=ParcelState.DELIVERED, parcel="2")
    same = on(3, delivery=ParcelState.DELIVERED, parcel="1")

    for history in itertools.permutations([failed, other]):
        row = merged(history)
        assert (row.delivery, row.delivery_at) == (ParcelState.FAILED, NOW + timedelta(hours=1))
    for history in itertools.permutations([failed, other, same]):
        assert merged(history).delivery is ParcelState.DELIVERED
    assert merged([failed, on(2, delivery=ParcelState.IN_TRANSIT)]).delivery == "in_transit"
    bad_before = merged([on(1, delivery=ParcelState.FAILED), other])
    assert bad_before.delivery is ParcelState.DELIVERED


@pytest.mark.parametrize(
    ("aspect", "columns"),
    [("payment", ("paid", "paid_at")), ("fulfilment", ("fulfilled", "shipped_at"))],
)
def test_a_time_that_is_only_that_of_a_change_moves_nothing(aspect, columns):
    def said(hours, *, dated=True):
        at = NOW + timedelta(hours=hours) if dated else None
        return on(hours, **dict(zip(columns, (True, at), strict=True)), estimated={aspect})

    for history in itertools.permutations([said(1), said(3), said(5), said(6, dated=False)]):
        assert getattr(merged(history), columns[1]) == NOW + timedelta(hours=1)
    undone = on(2, **{columns[0]: False})
    for history in itertools.permutations([said(1), undone, said(3), said(4)]):
        assert getattr(merged(history), columns[1]) == NOW + timedelta(hours=3)
    stated = on(5, **dict(zip(columns, (True, NOW), strict=True)))
    for history in itertools.permutations([said(1), stated, said(6)]):
        assert getattr(merged(history), columns[1]) == NOW
    for history in itertools.permutations([stated, on(6, **{columns[0]: False}), said(7)]):
        assert getattr(merged(history), columns[1]) == NOW + timedelta(hours=7)


def test_of_very_many_estimates_the_first_counts():
    said = [
        on(hours, paid=True, paid_at=NOW + timedelta(hours=hours), estimated={"payment"})
        for hours in range(200)
    ]
    row = merged([*said[100:], *said[:100]])

    assert row.paid_at == NOW
    assert len(row.merge_state) < 2000


def test_a_time_that_is_stated_moves_to_the_newest():
    early, late = (on(h, fulfilled=True, shipped_at=NOW + timedelta(hours=h)) for h in (1, 3))

    for history in ([early, late], [late, early]):
        assert merged(history).shipped_at == NOW + timedelta(hours=3)


def test_an_estimated_delivery_keeps_its_first_time():
    def said(hours):
        at = NOW + timedelta(hours=hours)
        one = ParcelState.DELIVERED
        return on(hours, delivery=one, delivery_at=at, estimated={"delivery"})

    for history in itertools.permutations([said(1), said(3)]):
        assert merged(history).delivery_at == NOW + timedelta(hours=1)


@pytest.mark.parametrize("reason", ["renewal", "pos", "date_unreadable"])
def test_a_field_that_no_later_body_repeats_keeps_what_it_says(reason):
    first = replace(news(order(email="anna@mail.example", modified_at=NOW)), details={"a": reason})
    later = order(email="anna@mail.example", modified_at=NOW + SECOND)
    silent = replace(news(later), details={"b": ""})
    other = replace(news(replace(later, modified_at=NOW + 2 * SECOND)), details={"a": ""})

    for history in itertools.permutations([first, silent]):
        row = merged(history)
        assert (row.skip or "date_unreadable") == reason
        assert row.date_unreadable is (reason == "date_unreadable")
    for history in itertools.permutations([first, silent, other]):
        row = merged(history)
        assert (row.skip, row.date_unreadable) == (None, False)


def test_a_renewal_is_the_first_of_several_reasons():
    first = replace(news(order(modified_at=NOW, paid=True)), details={"a": "pos"})
    later = replace(news(order(modified_at=NOW + SECOND, paid=True)), details={"b": "renewal"})

    assert merged([first, later]).skip == merged([later, first]).skip == "renewal"


def test_the_earliest_date_of_creation_counts_whenever_it_arrives():
    early = news(replace(order(modified_at=NOW, paid=True), created_at=NOW - timedelta(days=90)))
    late = news(order(modified_at=NOW + SECOND, fulfilled=True))

    for history in itertools.permutations([early, late]):
        assert merged(history).created_at == NOW - timedelta(days=90)


def test_a_parcels_date_that_cannot_be_read_leaves_the_reason_to_skip():
    first = replace(news(order(email="anna@mail.example", modified_at=NOW)), skip="pos")
    event = news(order(modified_at=NOW + SECOND, date_unreadable=True))

    row = merged([first, event])
    assert (row.skip, row.date_unreadable) == ("pos", True)
