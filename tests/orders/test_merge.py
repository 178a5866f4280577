"""Also tests:
trustsvc/orders/claims.py
trustsvc/orders/news.py
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
from trustsvc.orders.received import OrderReceived
from trustsvc.orders.standing import ParcelState, Standing
from trustsvc.orders.state import OrderState

NOW = datetime(2026, 6, 10, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)
KEY = (1, b"order")
STANDINGS = list(Standing)


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
        "standing",
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
    standing=st.sampled_from(STANDINGS),
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
    {"paid": True, "standing": Standing.OPEN},
    {"fulfilled": True, "standing": Standing.OPEN},
    {"standing": Standing.CANCELLED},
    {"standing": Standing.REFUND_OPEN},
    {"dispute": Standing.DISPUTED},
    {"dispute": Standing.OPEN},
    {"returns": Standing.RETURN_OPEN},
    {"returns": Standing.OPEN},
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
    first = news(order(standing=Standing.CANCELLED, modified_at=NOW))
    same = news(order(standing=Standing.OPEN, modified_at=NOW, email="anna@mail.example"))
    later = news(
        order(
            standing=Standing.OPEN,
            modified_at=NOW + timedelta(seconds=1),
            email="anna@mail.example",
        )
    )

    assert merged([first, same]).standing is Standing.CANCELLED
    back = merged([first, later])
    assert (back.standing, back.email, back.state) == (
        Standing.OPEN,
        "anna@mail.example",
        OrderState.RECEIVED,
    )


def test_what_an_order_was_like_when_it_was_placed_is_older_than_any_news():
    cancelled = news(order(standing=Standing.CANCELLED, modified_at=NOW - timedelta(days=1)))
    created = news(order(standing=Standing.OPEN, is_creation=True, email="anna@mail.example"))

    row = merged([cancelled, created])
    assert (row.standing, row.email) == (Standing.CANCELLED, None)


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

    assert (gone.email, gone.buyer, gone.accepts_buyer, names) == (None, None, False, ["erased"])


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
    told = []
    for seconds in (1, 2):
        emptied = news(order(is_whole=True, modified_at=NOW + seconds * SECOND))
        row, names = merge.merge(replace(row, id=1), emptied)
        told.append(names)

    assert told == [["erased"], []]


def test_a_refusal_is_never_taken_back():
    row = merged([news(order(email="anna@mail.example", consent=False, modified_at=NOW))])
    yes = news(order(consent=True, modified_at=NOW + timedelta(days=1)))

    assert merge.merge(row, yes)[0].consent is False


def test_news_without_a_time_is_newer_whatever_the_clock_of_the_platform_says():
    ahead = news(order(standing=Standing.OPEN, modified_at=NOW + timedelta(minutes=3)), NOW)
    deleted = news(order(standing=Standing.CANCELLED), NOW + timedelta(minutes=2))
    again = news(
        order(standing=Standing.OPEN, modified_at=NOW + timedelta(minutes=3)),
        NOW + timedelta(minutes=9),
    )

    assert merged([ahead, deleted, again]).standing is Standing.CANCELLED


def test_a_time_far_ahead_counts_as_that_of_arrival():
    ahead = news(order(standing=Standing.OPEN, modified_at=NOW + timedelta(hours=23)), NOW)
    refunded = news(
        order(standing=Standing.REFUNDED, modified_at=NOW + timedelta(minutes=5)),
        NOW + timedelta(minutes=5),
    )

    assert merged([ahead, refunded]).standing is Standing.REFUNDED


def test_a_declined_return_ends_no_dispute():
    history = [
        order(email="anna@mail.example", is_creation=True),
        order(dispute=Standing.CHARGEBACK, modified_at=NOW),
        order(returns=Standing.OPEN, modified_at=NOW + timedelta(seconds=1)),
    ]

    assert merged([news(one) for one in history]).is_over


@pytest.mark.parametrize(
    ("told", "stands"),
    [
        ([(b"1", "disputed"), (b"2", "disputed"), (b"2", "open")], Standing.DISPUTED),
        ([(b"1", "disputed"), (b"2", "disputed"), (b"1", "open"), (b"2", "open")], Standing.OPEN),
        ([(b"1", "chargeback"), (b"2", "disputed"), (b"2", "open")], Standing.CHARGEBACK),
        ([(b"1", "disputed"), (b"1", "chargeback"), (b"1", "open")], Standing.OPEN),
        ([(b"1", "disputed"), (None, "open")], Standing.OPEN),
        ([(None, "disputed"), (b"1", "open")], Standing.DISPUTED),
    ],
)
def test_of_several_disputes_the_newest_of_each_counts_in_any_sequence(told, stands):
    placed = news(order(email="anna@mail.example", is_creation=True))
    history = [
        replace(
            news(order(dispute=Standing(state), modified_at=NOW + number * SECOND)), claim=claim
        )
        for number, (claim, state) in enumerate(told)
    ]

    ends = {merged([placed, *some]).dispute for some in itertools.permutations(history)}

    assert ends == {stands}


def test_a_refund_of_unknown_amount_yields_to_the_order_of_the_same_second():
    known = news(order(standing=Standing.OPEN, modified_at=NOW, email="anna@mail.example"))
    refund = news(order(standing=Standing.REFUND_OPEN, modified_at=NOW))

    assert merged([known, refund]).standing is Standing.OPEN
