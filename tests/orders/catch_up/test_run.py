"""Catch up with shops whose webhooks did not arrive; against a server that speaks as documented.

Also tests:
trustsvc/orders/catch_up/fetch.py
trustsvc/orders/catch_up/models.py
trustsvc/orders/catch_up/platforms/woocommerce.py
trustsvc/orders/catch_up/platforms/shopify.py
trustsvc/orders/catch_up/platforms/lightspeed.py
trustsvc/orders/catch_up/platforms/credentials.py
trustsvc/http/exchange.py
"""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.orders.catch_up.platform_api import KEY, SECRET
from trustsvc import clock
from trustsvc.orders.catch_up import fetch
from trustsvc.orders.catch_up.platforms import APIS
from trustsvc.orders.catch_up.status import ApiProblem
from trustsvc.orders.models import decisions, orders
from trustsvc.storage import db

pytestmark = pytest.mark.slow

PLATFORMS = sorted(APIS)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def small_pages(monkeypatch):
    for api in APIS.values():
        monkeypatch.setattr(api, "PAGE_SIZE", 3)


@pytest.mark.both_databases
@pytest.mark.parametrize("platform", PLATFORMS)
def test_eight_orders_of_a_downtime_arrive_exactly_once(connected, small_pages, platform):
    shop = connected(platform)
    for number in range(8):
        shop.api.place(clock.now() - 50 * MINUTE + number * MINUTE)

    first = shop.run()
    again = shop.run()

    assert (first[1].new, first[0].is_complete) == (8, True)
    assert (again[1].new, shop.stored()) == (0, 8)
    assert shop.state.problem is None


@pytest.mark.both_databases
@pytest.mark.parametrize("platform", PLATFORMS)
def test_only_the_five_fields_of_an_order_are_kept(connected, platform):
    shop = connected(platform)
    shop.api.place(clock.now() - HOUR)

    shop.run()

    with db.reading() as session:
        row = session.execute(select(orders)).mappings().one()
    assert row["email"].endswith(".example")
    assert row["reference"]
    with db.engine().connect() as connection:
        raw = repr(connection.execute(select(orders)).all())
    assert "Nachbarn Schulze" not in raw
    assert "198.51.100" not in raw


@pytest.mark.both_databases
@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_was_fetched_before_leaves_no_trace_the_second_time(connected, platform):
    shop = connected(platform)
    shop.api.place(clock.now() - MINUTE)
    shop.run()

    def lines():
        with db.reading() as session:
            return len(session.execute(select(decisions)).all())

    before = lines()
    with clock.at(clock.now() + 5 * MINUTE):
        shop.run()

    assert lines() == before


@pytest.mark.both_databases
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_change_of_a_known_order_is_taken_up(connected, platform):
    cancelled = {
        "woocommerce": {"status": "cancelled"},
        "shopify": {"cancelled_at": clock.now().isoformat()},
        "lightspeed": {"status": "cancelled"},
    }
    shop = connected(platform)
    order_id = shop.api.place(clock.now() - 2 * HOUR)
    shop.run()
    shop.api.edit(order_id, clock.now() - MINUTE, **cancelled[platform])

    _, count = shop.run()

    assert count.known == 1
    with db.reading() as session:
        assert session.scalar(select(orders.c.platform_status)) == "cancelled"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_orders_before_the_enrolment_are_not_asked_for(connected, platform):
    shop = connected(platform)
    shop.api.place(clock.now() - 40 * DAY)

    assert shop.run()[1].new == 0
    assert shop.state.seen_until <= clock.now() - 29 * DAY


@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_order_edited_while_its_list_is_read_pushes_no_other_one_past_us(
    connected, small_pages, platform
):
    shop = connected(platform)
    placed = [shop.api.place(clock.now() - 3 * HOUR + n * MINUTE) for n in range(8)]

    def edit(page):
        if page <= len(placed):
            shop.api.edit(placed[page - 1], clock.now() - MINUTE)

    shop.api.before_page = edit
    shop.run()
    shop.api.before_page = lambda *_: None
    shop.run()

    assert shop.stored() == 8


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_bulk_change_of_one_second_is_read_to_its_end(connected, small_pages, platform):
    shop = connected(platform)
    moment = clock.now().replace(microsecond=0) - 2 * HOUR
    placed = [shop.api.place(moment) for _ in range(11)]
    later = shop.api.place(moment + MINUTE)
    placed.sort()

    def edit(page):
        """Two of the bulk leave while it is paged."""
        if shop.api.requests()[-1][2].get("page") == "2":
            shop.api.edit(placed[0], clock.now() - MINUTE)
            shop.api.edit(placed[1], clock.now() - MINUTE)

    shop.api.before_page = edit
    outcome, _ = shop.run()

    assert (outcome.failure, shop.stored()) == (None, 12)
    assert later


@pytest.mark.both_databases
@pytest.mark.parametrize("platform", PLATFORMS)
def test_killed_in_the_middle_nothing_is_lost_and_nothing_comes_twice(
    connected, small_pages, platform
):
    shop = connected(platform)
    for number in range(8):
        shop.api.place(clock.now() - 50 * MINUTE + number * MINUTE)
    commits = []

    class Killed(BaseException):
        pass

    @contextmanager
    def dying():
        with db.transaction() as session:
            yield session
            commits.append(1)
            if len(commits) == 9:  # the page's rows are written, not committed
                raise Killed

    with pytest.raises(Killed):
        shop.run(transaction=dying)
    blocked = shop.run()
    with clock.at(clock.now() + 6 * MINUTE):
        outcome, _ = shop.run()

    assert blocked is None  # the lease of the dead one still stands
    assert (outcome.is_complete, shop.stored()) == (True, 8)


@pytest.mark.both_databases
def test_the_cursor_moves_with_the_orders_of_its_page_or_not_at_all(connected):
    shop = connected("woocommerce")
    shop.api.place(clock.now() - HOUR)
    before = shop.state.seen_until

    @contextmanager
    def full_disk():
        with db.transaction() as session:
            yield session
            if session.execute(select(orders)).first():
                raise OSError

    with pytest.raises(OSError):
        shop.run(transaction=full_disk)

    assert (shop.state.seen_until, shop.stored()) == (before, 0)


@pytest.mark.both_databases
def test_no_transaction_is_open_while_the_network_is_waited_for(connected):
    shop = connected("woocommerce")
    shop.api.place(clock.now() - HOUR)
    is_open = []
    seen = []

    @contextmanager
    def watched():
        with db.transaction() as session:
            is_open.append(1)
            yield session
            is_open.pop()

    shop.api.before_page = lambda *_: seen.append(bool(is_open))
    shop.run(transaction=watched)

    assert seen
    assert not any(seen)


@pytest.mark.both_databases
def test_time_that_is_over_ends_a_run_and_the_next_one_goes_on(connected, small_pages):
    shop = connected("woocommerce")
    for number in range(8):
        shop.api.place(clock.now() - 5 * DAY + number * HOUR)
    turns = iter([True] * 12 + [False] * 100)

    outcome, _ = shop.run(has_time=lambda: next(turns))
    part = shop.stored()
    assert not outcome.is_complete
    assert outcome.failure is None
    assert shop.row.due_at <= clock.now()
    shop.run()

    assert 0 < part <= 8 == shop.stored()


FAULTS = {
    "401": ApiProblem.UNAUTHORISED,
    "403": ApiProblem.UNAUTHORISED,
    "404": ApiProblem.NOT_FOUND,
    "429": ApiProblem.RATE_LIMITED,
    "500": ApiProblem.UNAVAILABLE,
    "503": ApiProblem.UNAVAILABLE,
    "slow": ApiProblem.UNREACHABLE,
    "truncated": ApiProblem.UNREACHABLE,
    "page": ApiProblem.UNREADABLE,
    "object": ApiProblem.UNREADABLE,
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_fault_is_recorded_by_its_code_and_tried_again_later(
    connected, monkeypatch, capsys, platform, fault
):
    monkeypatch.setattr(fetch, "TIMEOUT_S", 0.5)
    shop = connected(platform)
    shop.api.place(clock.now() - HOUR)
    before = shop.state.seen_until
    shop.api.faults = [fault]

    outcome, _ = shop.run()

    assert outcome.failure.problem is FAULTS[fault]
    assert shop.state.problem is FAULTS[fault]
    assert shop.state.failing_since
    assert (shop.state.seen_until, shop.stored()) == (before, 0)
    assert shop.row.due_at > clock.now() + 2 * MINUTE
    logged = capsys.readouterr().err + repr(outcome.failure)
    assert "jan@" not in logged
    assert SECRET not in logged
    assert KEY not in logged

    shop.run()
    assert (shop.state.problem, shop.state.failing_since, shop.stored()) == (None, None, 1)


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"Retry-After": "600"}, 600),
        (429, {"Retry-After": "999999999"}, 86_400),
        (429, {"X-RateLimit-Remaining": "0/2700/0", "X-RateLimit-Reset": "90/1000/4000"}, 4000),
    ],
)
def test_a_wait_that_the_api_asks_for_is_kept_within_a_day(connected, status, headers, seconds):
    shop = connected("lightspeed")
    shop.api.faults = [(status, headers)]

    shop.run()

    wait = shop.row.due_at - shop.row.last_run_at
    assert abs(wait - timedelta(seconds=seconds)) < timedelta(seconds=2)


@pytest.mark.parametrize(
    "asks", ["nan", "inf", "soon", "1e400", "0", "-5", "Sat, 01 Jan 2000 00:00:00 GMT"]
)
def test_a_wait_that_is_none_is_our_own(connected, asks):
    shop = connected("lightspeed")
    shop.api.faults = [(429, {"Retry-After": asks})]

    shop.run()

    assert 2 * MINUTE < shop.row.due_at - shop.row.last_run_at <= 5 * MINUTE


@pytest.mark.both_databases
def test_the_wait_grows_with_each_failure(connected):
    shop = connected("woocommerce")
    waits = []
    for _ in range(12):
        shop.api.faults = ["500"]
        shop.run()
        waits.append(shop.row.due_at - shop.row.last_run_at)

    assert waits[0] <= 5 * MINUTE < 3 * HOUR <= waits[-1] <= 6 * HOUR
    assert shop.row.attempts == 12


def test_a_redirect_is_not_followed_and_the_credentials_stay(connected):
    shop, other = connected("woocommerce"), connected("woocommerce")
    shop.api.faults = [(302, {"Location": f"{other.api.url}/wp-json/wc/v3/orders"})]

    outcome, _ = shop.run()

    assert outcome.failure.problem is ApiProblem.REDIRECTED
    assert other.api.asked == []


def test_the_link_to_the_next_page_cannot_lead_the_token_elsewhere(connected, small_pages):
    """Only its page_info is taken; the host is ours."""
    shop, other = connected("shopify"), connected("shopify")
    moment = clock.now().replace(microsecond=0) - HOUR
    for _ in range(5):
        shop.api.place(moment)
    plain = shop.api._shopify_page

    def elsewhere(path, query):
        status, value, headers = plain(path, query)
        return (
            status,
            value,
            {k: v.replace(shop.api.url, other.api.url) for k, v in headers.items()},
        )

    shop.api._shopify_page = elsewhere
    shop.run()

    assert (shop.stored(), other.api.asked) == (5, [])


def test_an_empty_page_with_a_next_link_is_not_the_end(connected, small_pages):
    shop = connected("shopify")
    moment = clock.now().replace(microsecond=0) - HOUR
    for _ in range(5):
        shop.api.place(moment)
    plain = shop.api._shopify_page

    def with_holes(path, query):
        token = query.get("page_info", "")
        if token and not token.startswith("hole-"):
            link = f"{shop.api.url}{path}?limit=3&page_info=hole-{token}"
            return 200, {"orders": []}, {"Link": f'<{link}>; rel="next"'}
        if token:
            query = query | {"page_info": token.removeprefix("hole-")}
        return plain(path, query)

    shop.api._shopify_page = with_holes
    outcome, _ = shop.run()

    assert (outcome.failure, shop.stored()) == (None, 5)


def test_a_list_without_an_end_is_a_fault(connected, small_pages):
    shop = connected("shopify")
    link = f'<{shop.api.url}/admin/api/2026-10/orders.json?page_info=abc>; rel="next"'
    shop.api._shopify_page = lambda *_: (200, {"orders": []}, {"Link": link})

    outcome, _ = shop.run()

    assert outcome.failure.problem is ApiProblem.UNREADABLE
    assert len(shop.api.asked) < 300


@pytest.mark.both_databases
@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_order_that_cannot_be_read_holds_nothing_up(connected, platform):
    shop = connected(platform)
    shop.api.place(clock.now() - HOUR)
    broken = shop.api.place(clock.now() - HOUR)
    shop.api.orders[broken]["id"] = None

    _, count = shop.run()

    assert (count.new, count.unreadable) == (1, 1)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_orders_too_large_for_one_page_come_in_smaller_ones(connected, monkeypatch, platform):
    monkeypatch.setattr(fetch, "MAX_BYTES", 60_000)
    shop = connected(platform)
    for number in range(6):
        shop.api.place(clock.now() - 3 * HOUR + number * MINUTE, note="x" * 25_000)

    outcome, _ = shop.run()

    assert (outcome.failure, shop.stored()) == (None, 6)


def test_a_single_order_that_is_too_large_is_a_fault(connected, monkeypatch):
    monkeypatch.setattr(fetch, "MAX_BYTES", 60_000)
    shop = connected("woocommerce")
    shop.api.place(clock.now() - HOUR, note="x" * 100_000)

    assert shop.run()[0].failure.problem is ApiProblem.TOO_LARGE


def test_an_order_in_woocommerces_trash_is_cancelled(connected):
    shop = connected("woocommerce")
    order_id = shop.api.place(clock.now() - 2 * HOUR)
    shop.run()
    shop.api.edit(order_id, clock.now() - MINUTE, status="trash")

    shop.run()

    with db.reading() as session:
        assert session.scalar(select(orders.c.platform_status)) == "cancelled"


@pytest.mark.parametrize("hours", [-10, -5, 1, 2])
def test_lightspeeds_moments_may_be_of_any_zone(connected, small_pages, hours):
    shop = connected("lightspeed", zone=timedelta(hours=hours))
    for number in range(8):
        shop.api.place(clock.now() - 2 * HOUR + number * MINUTE)

    shop.run()
    for number in range(8):
        shop.api.place(clock.now() - 30 * MINUTE + number * MINUTE)
    shop.run()

    assert shop.stored() == 16


def test_a_moment_ahead_of_our_clock_skips_nothing(connected):
    shop = connected("woocommerce")
    shop.api.place(clock.now() + 3 * HOUR)
    shop.run()
    shop.api.place(clock.now() - MINUTE)

    shop.run()

    assert shop.stored() == 2
    assert shop.state.seen_until <= clock.now()


def test_shopifys_client_id_and_secret_are_exchanged_for_a_token(connected):
    shop = connected("shopify")
    shop.connect(KEY, SECRET)
    shop.api.place(clock.now() - HOUR)

    shop.run()

    assert shop.stored() == 1
    assert [one[0] for one in shop.api.asked] == ["POST", "GET"]
    assert all(SECRET not in repr(one) for one in shop.api.asked)


@pytest.mark.parametrize("answer", [{"error": "x"}, [], {"access_token": 5}])
def test_a_token_that_is_none_is_a_fault(connected, answer):
    shop = connected("shopify")
    shop.connect(KEY, SECRET)
    shop.api._shopify = lambda *_: (200, answer)

    assert shop.run()[0].failure.problem is ApiProblem.UNREADABLE


def test_requests_say_no_secret_in_their_address(connected):
    for platform in PLATFORMS:
        shop = connected(platform)
        shop.run()
        assert shop.api.asked
        assert all(SECRET not in repr(one) and KEY not in repr(one) for one in shop.api.asked)
