"""Each way a mail server goes wrong ends in its state, and a message never arrives twice."""

from datetime import timedelta

import pytest

from tests.invitations.sample_orders import (
    NOON,
    invitation_of,
    invited,
    message_of,
    order_row,
    quiet,
    shop,
)
from tools.drill import certificates, smtp_sink
from tools.drill.smtp_sink import Sink
from trustsvc import config
from trustsvc.mail import smtp_session
from trustsvc.mail.outbox import resend, send
from trustsvc.mail.transport import open_transport
from trustsvc.storage import db

pytestmark = pytest.mark.slow

LATER = (
    *smtp_sink.CONNECT[:2],
    *smtp_sink.CONNECT[3:],
    "mail_451",
    *smtp_sink.RATE,
    *smtp_sink.DEFERRED,
)
# A line that breaks before anything was said to be done is tried once more at once.
AGAIN = {"mail_421", "drop_mail", *smtp_sink.DROPS}
# The README's table of classes says the same.
ENDS = {
    **dict.fromkeys(LATER, "due"),
    **dict.fromkeys(AGAIN, "due"),
    **dict.fromkeys((*smtp_sink.TLS, *smtp_sink.CERTIFICATES), "due"),
    **dict.fromkeys(smtp_sink.POLICY, "due"),
    **dict.fromkeys(smtp_sink.REFUSED, "refused"),
    **dict.fromkeys(smtp_sink.UNKNOWN, "unknown"),
    **dict.fromkeys(smtp_sink.SLOW, "sent"),
}
STAGES = {
    **dict.fromkeys((*smtp_sink.CONNECT, *smtp_sink.TLS, *smtp_sink.CERTIFICATES), "connect"),
    **dict.fromkeys((*smtp_sink.MAIL, *smtp_sink.RATE), "mail"),
}
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    return certificates.make(tmp_path_factory.mktemp("papers"))


def run_a_round(sink, now):
    never = "" if sink.tls else "?starttls=never"
    with quiet(), open_transport(f"{sink.url}{never}") as mail_transport:
        send.send(db.transaction, mail_transport, lambda: now)


def choosing(fault):
    faults = [fault]

    def choose(stage, _recipient):
        return faults.pop() if faults and stage == STAGES.get(fault, "message") else None

    return choose


def test_every_named_fault_is_here():
    named = (*smtp_sink.CONNECT, *smtp_sink.MAIL, *smtp_sink.DEFERRED, *smtp_sink.DROPS)
    named += (*smtp_sink.REFUSED, *smtp_sink.POLICY, *smtp_sink.UNKNOWN, *smtp_sink.SLOW)
    named += smtp_sink.RATE
    named += (*smtp_sink.TLS, *smtp_sink.CERTIFICATES)

    assert set(ENDS) == set(named)
    assert set(smtp_sink.ANSWERS) <= set(named)
    assert len(ENDS) >= 28


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, marks=[pytest.mark.slow] if fault in smtp_sink.SLOW else [])
        for fault in sorted(ENDS)
    ],
)
def test_a_fault_ends_in_its_state_and_no_message_arrives_twice(
    installation, fault, papers, monkeypatch
):
    order_id = invited(shop())
    authority, good, bad = papers
    more = {"tls": good, "certificates": bad} if fault.startswith("tls_") else {}
    if fault in smtp_sink.CERTIFICATES:  # beyond loopback a certificate is looked at
        monkeypatch.setattr(smtp_session, "is_loopback", lambda _: False)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))

    with Sink(choose=choosing(fault), **more) as sink:
        run_a_round(sink, NOON)
        state = message_of(order_id).state
        run_a_round(sink, NOON + 2 * MINUTE)

    assert [name for name, _ in sink.happened] == [fault]
    # The end of DATA may be on its way before the cut is noticed: then nobody here can know.
    is_cut_late = fault == "drop_body" and state == "unknown"
    assert is_cut_late or state == ENDS[fault]
    arrived = [one for one in sink.seen if one.may_have_arrived]
    assert len(arrived) == (0 if is_cut_late or state == "refused" else 1)
    assert message_of(order_id).state == ("sent" if state == "due" else state)


@pytest.mark.parametrize("fault", smtp_sink.POLICY)
def test_what_a_server_says_of_us_forgets_no_buyer(installation, fault):
    order_id = invited(shop())

    with Sink(choose=choosing(fault)) as sink:
        run_a_round(sink, NOON)

    assert (message_of(order_id).state, message_of(order_id).reason) == ("due", "policy")
    assert order_row(order_id).email == "jan@mail.example"
    assert invitation_of(order_id).state == "open"


@pytest.mark.parametrize(
    ("installation", "arrivals", "state"),
    [({}, 1, "unknown"), ({"TRUSTSVC_RESEND": "1"}, 2, "sent")],
    indirect=["installation"],
)
def test_after_a_line_that_broke_behind_the_end_of_data_a_second_message_is_the_operators_choice(
    installation, arrivals, state
):
    assert config.current().resend is (arrivals == 2)
    order_id = invited(shop())

    with Sink(choose=choosing("drop_end_of_data")) as sink:
        for later in (
            timedelta(0),
            resend.ANSWER_TIMEOUT - MINUTE,
            resend.ANSWER_TIMEOUT,
            3 * resend.ANSWER_TIMEOUT,
        ):
            run_a_round(sink, NOON + later)

    assert message_of(order_id).state == state
    arrived = [one for one in sink.seen if one.may_have_arrived]
    assert len(arrived) == arrivals
    assert len({one.message_id for one in arrived}) == 1
