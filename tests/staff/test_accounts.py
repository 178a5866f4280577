from datetime import timedelta

import pytest
from sqlalchemy import select

from trustsvc import clock
from trustsvc.errors import Gone, NotFound, Refused
from trustsvc.staff import accounts, sessions, sign_in
from trustsvc.staff.models import staff
from trustsvc.storage import db

pytestmark = pytest.mark.both_databases


def _added(name="Sam"):
    with db.transaction() as session:
        now = clock.now()
        staff_id = accounts.add_member(session, name, now)
        return staff_id, accounts.make_link(session, staff_id, now).rpartition("/")[2]


@pytest.mark.parametrize("name", ["", "  ", "\u200b\u202e", "a" * 81])
def test_a_name_that_is_none_is_refused(installation, name):
    with pytest.raises(Refused), db.transaction() as session:
        accounts.add_member(session, name, clock.now())


def test_a_name_is_one_line_and_not_in_clear_in_the_database(installation):
    _added("Sam\r\nX-Evil: 1\u2028\u202eRobin")

    with db.reading() as session:
        assert [member.name for member in accounts.list_members(session)] == ["Sam X-Evil: 1 Robin"]
        raw = session.connection().exec_driver_sql("SELECT name FROM staff").scalar()
    assert b"Sam X-Evil" not in bytes(raw)


def test_whoever_leaves_is_out_at_once_and_gets_no_new_link(installation):
    staff_id, token = _added()
    other_id, _ = _added("Robin")
    now = clock.now()
    with db.transaction() as session:
        cookie = sign_in.sign_in(session, token, now)
        spare = accounts.make_link(session, staff_id, now).rpartition("/")[2]
    assert sessions.find_session(cookie).staff_id == staff_id

    with db.transaction() as session:
        accounts.remove_member(session, staff_id, now)
        accounts.remove_member(session, staff_id, now)

    assert sessions.find_session(cookie) is None
    with db.transaction() as session:
        with pytest.raises(Gone):
            sign_in.sign_in(session, spare, now)
        with pytest.raises(NotFound):
            accounts.make_link(session, staff_id, now)
        assert set(session.scalars(select(staff.c.id))) == {staff_id, other_id}
        assert accounts.make_link(session, other_id, now)


def test_nobody_can_leave_who_was_never_here(installation):
    with pytest.raises(NotFound), db.transaction() as session:
        accounts.remove_member(session, 4711, clock.now())


def test_each_link_opens_once_within_its_day(installation):
    staff_id, first = _added()
    now = clock.now()
    with db.transaction() as session:
        second = accounts.make_link(session, staff_id, now).rpartition("/")[2]
        sign_in.sign_in(session, first, now)
        sign_in.sign_in(session, second, now + timedelta(hours=23))
        with pytest.raises(Gone):
            sign_in.sign_in(session, second, now)
