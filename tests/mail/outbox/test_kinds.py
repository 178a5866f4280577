import pytest

from tests.invitations.sample_orders import NOON, invited, sent, shop
from trustsvc import message_kinds
from trustsvc.mail.outbox import kinds, pending
from trustsvc.storage import db


@pytest.fixture
def unregistered(monkeypatch):
    monkeypatch.setattr(kinds, "_by_name", {})


def test_a_process_that_registers_no_kinds_can_neither_send_nor_add(installation, unregistered):
    with pytest.raises(kinds.UnregisteredKind):
        sent()
    with pytest.raises(kinds.UnregisteredKind):
        invited(shop())


def test_a_message_of_an_unknown_kind_is_not_added(installation):
    new = pending.NewMessage("newsletter", 1, 0, NOON)

    with pytest.raises(kinds.UnregisteredKind, match="newsletter"), db.transaction() as session:
        pending.add(session, [new])


def test_kinds_are_registered_once_however_often_it_is_asked_for():
    message_kinds.register()

    assert [kind.names for kind in kinds.registered()] == [
        ("transactional",),
        ("invitation", "reminder"),
    ]
