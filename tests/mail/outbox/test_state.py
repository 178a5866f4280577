import pytest

from trustsvc.mail.outbox.models import messages
from trustsvc.mail.outbox.state import (
    DROPPED,
    DUE,
    HANDED,
    LEASED,
    REFUSED,
    SENT,
    UNKNOWN,
    message_states,
)
from trustsvc.storage.state_machine import IllegalTransition


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (SENT, DUE),
        (SENT, LEASED),
        (DUE, HANDED),
        (HANDED, LEASED),
        (HANDED, DROPPED),
        (REFUSED, SENT),
        (DROPPED, SENT),
        (UNKNOWN, LEASED),
    ],
)
def test_a_transition_that_the_table_does_not_have_raises(before, after):
    with pytest.raises(IllegalTransition):
        message_states.update(messages, (before,), after)


def test_what_was_sent_is_never_due_again():
    assert message_states.transitions[SENT] == {REFUSED}


def test_the_column_accepts_the_states_and_no_other():
    (check,) = [one for one in messages.constraints if one.name == "ck_messages_state"]

    listed = str(check.sqltext)
    assert listed == (
        "state IN ('due', 'leased', 'handed', 'sent', 'refused', 'dropped', 'unknown')"
    )
