"""Each way a mail server goes wrong ends in its state, and a letter never arrives twice."""

from datetime import timedelta

import pytest

from tests.faults import smtp_sink
from tests.faults.smtp_sink import Sink
from tests.invitations.ground import NOON, invited, letter_of, quiet, shop
from trustsvc import db
from trustsvc.invitations import send
from trustsvc.mail import open_postbox

LATER = (*smtp_sink.CONNECT[:2], *smtp_sink.CONNECT[3:], "mail_451", *smtp_sink.LATER)
# A line that breaks before anything was said to be done is tried once more at once.
AGAIN = {"mail_421", "drop_mail", *smtp_sink.DROPS}
ENDS = {
    **dict.fromkeys(LATER, "due"),
    **dict.fromkeys(AGAIN, "due"),
    **dict.fromkeys(smtp_sink.REFUSED, "refused"),
    **dict.fromkeys(smtp_sink.DOUBTFUL, "unknown"),
    **dict.fromkeys(smtp_sink.SLOW, "sent"),
}
STAGES = {
    **dict.fromkeys(smtp_sink.CONNECT, "connect"),
    **dict.fromkeys(smtp_sink.MAIL, "mail"),
}


def run_a_round(sink, now):
    with quiet(), open_postbox(f"{sink.url}?starttls=never") as postbox:
        send.send(db.transaction, postbox, lambda: now)


def test_every_named_fault_is_here():
    named = (*smtp_sink.CONNECT, *smtp_sink.MAIL, *smtp_sink.LATER, *smtp_sink.DROPS)
    named += (*smtp_sink.REFUSED, *smtp_sink.DOUBTFUL, *smtp_sink.SLOW)

    assert set(ENDS) == set(named)
    assert len(ENDS) >= 20


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, marks=[pytest.mark.slow] if fault in smtp_sink.SLOW else [])
        for fault in sorted(ENDS)
    ],
)
def test_a_fault_ends_in_its_state_and_no_letter_arrives_twice(house, fault):
    order_id = invited(shop())
    faults = [fault]

    def choose(stage, _recipient):
        return faults.pop() if faults and stage == STAGES.get(fault, "letter") else None

    with Sink(choose=choose) as sink:
        run_a_round(sink, NOON)
        state = letter_of(order_id).state
        run_a_round(sink, NOON + timedelta(minutes=2))

    assert faults == []
    assert state == ENDS[fault]
    arrived = [one for one in sink.seen if one.may_have_arrived]
    assert len(arrived) == (0 if state == "refused" else 1)
    assert letter_of(order_id).state == ("sent" if state == "due" else state)
