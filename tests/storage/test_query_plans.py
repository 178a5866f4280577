"""No periodic job reads a table that grows with history from one end to the other.

Each statement of a run with nothing to do is explained by the database. A range of an index, or an
index that holds only what is due, is right; a whole table, or a whole index of it, is not.
"""

import re
from contextlib import contextmanager

import pytest
from sqlalchemy import event, text

from jobs.answer_privacy_requests import answer_privacy_requests
from jobs.check_orders import check_orders
from jobs.plan_reminders import plan_reminders
from jobs.publish_reviews import publish_reviews
from jobs.purge_rows import purge_rows
from jobs.refresh_badges import refresh_badges
from jobs.send_messages import send_messages
from tests.invitations.sample_orders import NOON, quiet
from tests.storage import long_history
from trustsvc import clock
from trustsvc.storage import db

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

COPIES = 10_000
JOBS = (
    answer_privacy_requests,
    check_orders,
    plan_reminders,
    publish_reviews,
    purge_rows,
    refresh_badges,
    send_messages,
)
GROWING = {table.name for table in long_history.COPIED}
OF_WHAT_IS_DUE = {
    index.name
    for table in long_history.COPIED
    for index in table.indexes
    if index.dialect_options["sqlite"]["where"] is not None
}


def test_a_job_with_nothing_to_do_reads_no_table_that_grows_to_the_end(installation):
    with clock.at(NOON), quiet():
        long_history.write(COPIES, NOON)
        for job in JOBS * 2:  # until nothing is left to do
            job()
        with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as link:
            link.execute(text("ANALYZE"))

        found = {job: whole_reads(job) for job in JOBS}

    assert {job.__name__: lines for job, lines in found.items() if lines} == {}


def test_such_a_read_is_found(installation):
    with clock.at(NOON):
        long_history.write(COPIES, NOON)

    assert whole_reads(read_all_orders)


def read_all_orders():
    with db.reading() as session:
        session.execute(text("SELECT count(*) FROM orders WHERE locale = 'nl'"))


def whole_reads(job):
    """Run a job; gives the lines of the plans of its statements that read a whole table."""
    with statements() as seen:
        job()
    return [line for one in seen.items() for line in plan(*one) if reads_a_whole_table(line)]


@contextmanager
def statements():
    seen = {}

    def note(_connection, _cursor, statement, parameters, _context, _many):
        if re.match("SELECT|UPDATE|DELETE|INSERT|WITH", statement):
            seen.setdefault(statement, parameters)

    event.listen(db.engine(), "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine(), "before_cursor_execute", note)


def plan(statement, parameters):
    explain = "EXPLAIN QUERY PLAN " if db.is_sqlite() else "EXPLAIN "
    if isinstance(parameters, list):
        parameters = parameters[0]
    with db.engine().connect() as connection:
        rows = connection.exec_driver_sql(explain + statement, parameters).all()
        connection.rollback()
    return [str(row[-1]).strip() for row in rows]


def reads_a_whole_table(line):
    found = re.search(r"(?:SCAN|Seq Scan on) (\w+)", line)
    return bool(found and found[1] in GROWING and not any(name in line for name in OF_WHAT_IS_DUE))
