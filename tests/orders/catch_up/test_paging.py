"""Windows of time, pages of a second, and lists that change while they are read."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trustsvc.orders.catch_up import paging
from trustsvc.orders.catch_up.paging import ApiFailed, ListedOrder, OrderPage, Position

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
START = NOW - timedelta(days=10)
SECOND = timedelta(seconds=1)


def listed(shop, position, order_of):
    """Answer as a platform that filters, sorts by a rule of its own, and pages by number."""
    upper = position.upper or NOW + timedelta(days=1)
    found = [name for name, at in shop.items() if position.lower <= at <= upper]
    found.sort(key=lambda name: order_of(name, shop[name]))
    begin = (position.page - 1) * position.size
    rows = found[begin : begin + position.size]
    orders = [ListedOrder(name, shop[name], b"{}") for name in rows]
    return OrderPage(orders, len(rows) >= position.size)


SORTS = [
    lambda name, at: (at, name),
    lambda name, at: (-at.timestamp(), name),
    lambda name, _: name,
    lambda name, _: [-ord(char) for char in name],
]


def walk(shop, size, order_of, edits=(), since=START, before=lambda _: None):
    """Read a shop while it is edited; gives what was seen, up to when, in how many pages.

    An edit of None waits for the pages of one second, where lists are most easily misread.
    """
    seen, edits = {}, list(edits)
    position, seen_until, pages = Position(since, size), since, 0
    while position:
        if edits and (edits[0] is not None or position.page > 1):
            name = edits.pop(0)
            if name is not None:
                shop[name] = NOW - SECOND
        before(position)
        page = listed(shop, position, order_of)
        seen |= {one.identity: one.modified for one in page.orders}
        step = paging.advance(position, page, NOW)
        seen_until = step.seen_until or seen_until
        position, pages = step.next, pages + 1
        assert pages < 2000
    return seen, seen_until, pages


moments = st.integers(0, 9 * 86_400).map(lambda seconds: START + seconds * SECOND)
bulks = st.lists(st.tuples(moments, st.integers(1, 12)), min_size=1, max_size=6)


@settings(max_examples=300, deadline=None)
@given(
    bulks,
    st.integers(1, 5),
    st.sampled_from(SORTS),
    st.lists(st.none() | st.integers(0, 40), max_size=30),
)
def test_whatever_the_sequence_of_a_list_and_its_edits_every_order_is_seen(
    placed, size, order_of, edited
):
    shop = {}
    for at, number in placed:
        for _ in range(number):
            shop[f"{len(shop):03}"] = at
    names = list(shop)
    edits = [None if index is None else names[index % len(names)] for index in edited]

    seen, until, _ = walk(shop, size, order_of, edits)
    again, _, _ = walk(shop, size, order_of, since=until - timedelta(minutes=10))

    assert set(seen) | set(again) == set(shop)
    assert all((seen | again)[name] == at for name, at in shop.items())


@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize("order_of", SORTS)
def test_nobody_can_keep_an_order_before_the_page_that_is_read(order_of, size):
    """Whenever its page is asked for, orders before it leave, and it slips to the page before."""
    moment = START + timedelta(days=1)
    shop = {f"{number:03}": moment for number in range(60)}

    def of_that_second():
        return sorted(
            (name for name, at in shop.items() if at == moment),
            key=lambda name: order_of(name, moment),
        )

    hidden = of_that_second()[-1]

    def hide(position):
        names = of_that_second()
        begin = (position.page - 1) * position.size
        place = names.index(hidden)
        if position.page > 1 and begin <= place < begin + position.size:
            for name in names[: place - begin + 1]:
                shop[name] = NOW - SECOND

    seen, _, _ = walk(shop, size, order_of, before=hide)

    assert hidden in seen


def test_what_fits_on_a_page_is_one_request():
    shop = {f"{n}": START + n * SECOND for n in range(9)}

    seen, until, pages = walk(shop, 10, SORTS[0])

    assert (len(seen), until, pages) == (9, START + 8 * SECOND, 1)


def test_a_backlog_costs_few_requests_more_than_it_has_pages():
    shop = {f"{n:04}": START + n * timedelta(minutes=7) for n in range(1000)}

    for order_of in SORTS:
        seen, _, pages = walk(shop, 50, order_of)
        assert len(seen) == 1000
        assert pages < 120


def test_the_moment_of_an_empty_list_stays():
    step = paging.advance(Position(START, 5), OrderPage([], has_more=False), NOW)

    assert step == paging.Step(None, None)


def test_a_list_that_has_no_end_is_a_fault():
    position = Position(START, 5, START + SECOND, page=paging.MAX_PAGES)

    with pytest.raises(ApiFailed):
        paging.advance(position, OrderPage([], has_more=True), NOW)


@pytest.mark.parametrize("body", [b"", b"[", b"\xff", b'{"a": NaN}', b"[" * 100_000])
def test_what_is_no_json_is_a_fault(body):
    with pytest.raises(ApiFailed):
        paging.json_value(body)


@pytest.mark.parametrize("body", [b"{}", b"5", b'{"orders": {}}', b'{"orders": null}', b"[]"])
def test_what_is_no_list_is_a_fault(body):
    with pytest.raises(ApiFailed):
        paging.json_list(b"5" if body == b"[]" else body, "orders")
