import pytest
from sqlalchemy import CheckConstraint, insert
from sqlalchemy.exc import IntegrityError

from tests.invitations.sample_orders import NOON
from trustsvc.errors import Gone
from trustsvc.privacy import models, request_log
from trustsvc.privacy.state import RequestState, request_states
from trustsvc.storage import db
from trustsvc.storage.state_machine import IllegalTransition


def test_a_settled_request_has_no_further_state():
    for state in (RequestState.DONE, RequestState.REFUSED):
        for after in RequestState:
            with pytest.raises(IllegalTransition):
                request_states.require([state], after)


def test_the_table_accepts_only_known_states(installation):
    checks = [one for one in models.request_log.constraints if isinstance(one, CheckConstraint)]
    assert [str(one.sqltext) for one in checks] == ["state IN ('open', 'done', 'refused')"]

    row = {"kind": "see", "shop_id": 0, "state": "lost", "asked_at": NOON}
    with db.transaction() as session:
        new = insert(models.request_log).values(**row)
        with pytest.raises(IntegrityError):
            session.execute(new)
        session.rollback()


def test_a_request_is_settled_once(installation):
    with db.transaction() as session:
        number = request_log.record_open(session, "copy", 0, NOON)
        request_log.answer(session, number, "staff 1", NOON)
        with pytest.raises(Gone):
            request_log.answer(session, number, "staff 1", NOON, "17_3_e")

    with db.reading() as session:
        (answered,) = request_log.answered_requests(session)
        assert request_log.open_requests(session, NOON) == []
    assert answered.state is RequestState.DONE
