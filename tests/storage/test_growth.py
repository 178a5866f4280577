"""No periodic job and no page reads more because history grew.

Counted as the databases count: steps of SQLite's machine, pages that PostgreSQL reads. What is
counted is the same on any machine.
"""

import itertools
import json
import re
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import event, text

from jobs import schedule
from jobs.record_notice_versions import record_notice_versions
from tests.invitations.sample_orders import NOON, quiet
from tests.staff import signed_in_staff
from tests.storage import long_history
from tests.storage.test_query_plans import JOBS, statements
from trustsvc import clock
from trustsvc.orders import accept
from trustsvc.orders.received import OrderReceived
from trustsvc.reviews import publish
from trustsvc.storage import db

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

NUMBERS = itertools.count(1000)
FEW, MANY = 4_000, 24_000  # more than fits into a page, an index level, a shop's list
DAY = timedelta(days=1)
STEP = 10  # instructions between two calls of SQLite's progress handler
MAX_GROWTH = 1.2
# A deeper index: so many steps, or pages, a statement.
DEEPER = {"sqlite": 200, "postgresql": 12}
PAGES = ("/desk/", "/desk/orders/{slug}", "/s/{slug}", "/desk/requests", "/desk/sending")


@pytest.fixture
def shop(installation):
    with clock.at(NOON), quiet():
        yield long_history.write(FEW, NOON)


@pytest.fixture
def what_runs(shop, client):
    def get(path):
        with clock.at(NOON):
            assert client.get(path).status_code == 200

    signed_in_staff.sign_in(client)
    paths = [path.format(slug=shop.slug) for path in PAGES]
    return {job.__name__: job for job in (*JOBS, record_notice_versions)} | {
        path: partial(get, path) for path in paths
    }


@pytest.fixture(autouse=True)
def first_window(monkeypatch):
    """Each run of publish_reviews looks at the first publications."""
    first = publish.next_window
    monkeypatch.setattr(publish, "next_window", lambda session, _after: first(session, 0))


def test_nothing_reads_more_because_history_grew(shop, what_runs, database):
    before = costs(what_runs)
    long_history.extend(shop, FEW, MANY)
    after = costs(what_runs)

    grown = {
        name: (before[name], after[name])
        for name in what_runs
        if after[name] > MAX_GROWTH * before[name] + DEEPER[database]
    }
    assert grown == {}


def test_accepting_orders_reads_no_more_because_history_grew(shop, database):
    what_runs = {"accept": partial(accept_orders, shop)}
    before = costs(what_runs)["accept"]
    long_history.extend(shop, FEW, MANY)

    assert costs(what_runs)["accept"] <= MAX_GROWTH * before + DEEPER[database]


def test_such_growth_is_found(shop, database):
    few = costs({"all": read_all_orders})["all"]
    long_history.extend(shop, FEW, MANY)

    assert costs({"all": read_all_orders})["all"] > MAX_GROWTH * few + DEEPER[database]


def test_every_scheduled_job_that_reads_what_grows_is_measured():
    measured = {job.__name__ for job in (*JOBS, record_notice_versions)}
    elsewhere = {"purge_server_log", "recheck_domains", "catch_up", "watch_webhooks", "scrub"}

    assert measured | elsewhere == {one.job for one in schedule.SCHEDULE}


def accept_orders(shop):
    """Store known orders and new ones, as many requests at once do."""
    numbers = (*range(8), *(next(NUMBERS) for _ in range(8)))
    received = [
        OrderReceived(str(one), NOON, reference=str(one), email=f"b{one}@mail.example", name="B")
        for one in numbers
    ]
    with db.transaction() as session:
        accept.accept(session, [accept.incoming_order(shop, one, b"") for one in received], NOON)


def read_all_orders():
    with db.reading() as session:
        session.execute(text("SELECT count(*) FROM orders WHERE locale = 'nl'")).all()


def costs(what_runs):
    for _ in range(3):  # until nothing is left to do
        for run in what_runs.values():
            run()
    if not db.is_sqlite():  # as it does by itself; we never analyse SQLite
        with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as link:
            link.execute(text("VACUUM (ANALYZE)"))
    return {name: cost(run) for name, run in what_runs.items()}


def cost(run):
    if db.is_sqlite():
        with steps() as counted:
            run()
        return counted[0] * STEP
    with statements() as seen:
        run()
    return sum(pages_read(*one) for one in seen.items())


@contextmanager
def steps():
    counted = [0]

    def tick():
        counted[0] += 1

    def count(connection, *_):
        connection.set_progress_handler(tick, STEP)

    event.listen(db.engine(), "checkout", count)
    try:
        yield counted
    finally:
        event.remove(db.engine(), "checkout", count)
        db.dispose_engines()


def pages_read(statement, parameters):
    if isinstance(parameters, list):
        parameters = parameters[0]
    with db.engine().connect() as connection:
        explain = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "
        found = connection.exec_driver_sql(explain + statement, parameters).scalar_one()
        connection.rollback()
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    assert re.match("[A-Z]", plan["Node Type"])
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
