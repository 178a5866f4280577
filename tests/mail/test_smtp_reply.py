import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustsvc.mail.message import FailureScope, SendStatus
from trustsvc.mail.outbox import rate_policy
from trustsvc.mail.smtp_reply import BLAMED, ReplyClass, Stage, blamed, classify, result_of

JAN = "jan@mail.example"
OF_RELAY = {FailureScope.SERVER, FailureScope.RATE}


@pytest.mark.parametrize(
    ("code", "reply", "status", "about"),
    [
        (421, "4.3.2 closing", SendStatus.DEFERRED, FailureScope.SERVER),
        (421, "4.7.0 too many letters", SendStatus.DEFERRED, FailureScope.SERVER),
        (421, f"4.7.0 <{JAN}>: too many", SendStatus.DEFERRED, FailureScope.DOMAIN),
        (
            450,
            "4.7.1 Error: too many recipients from [::1]",
            SendStatus.DEFERRED,
            FailureScope.RATE,
        ),
        (
            421,
            "4.4.2 Message submission rate for this client has exceeded the limit",
            SendStatus.DEFERRED,
            FailureScope.RATE,
        ),
        (451, f"4.7.1 <{JAN}>: rate limited", SendStatus.DEFERRED, FailureScope.DOMAIN),
        (450, "4.2.0 greylisted", SendStatus.DEFERRED, FailureScope.MAILBOX),
        (451, "4.7.1 greylisted", SendStatus.DEFERRED, FailureScope.DOMAIN),
        (452, "4.2.2 full", SendStatus.DEFERRED, FailureScope.MAILBOX),
        (550, "5.1.1 no such user", SendStatus.REFUSED, FailureScope.MAILBOX),
        (550, "5.7.1 policy", SendStatus.DEFERRED, FailureScope.DOMAIN),
        (550, "sorry (#5.7.1)", SendStatus.DEFERRED, FailureScope.DOMAIN),
        (554, "5.7.26\n5.7.26 unauthenticated", SendStatus.DEFERRED, FailureScope.DOMAIN),
        (550, "5.7.18 the domain has a new owner", SendStatus.REFUSED, FailureScope.MAILBOX),
        (550, "no", SendStatus.REFUSED, FailureScope.MAILBOX),
    ],
)
def test_an_answer_says_what_becomes_of_the_message_and_of_whom_it_speaks(
    code, reply, status, about
):
    outcome = result_of(Stage.RCPT, code, reply, JAN)

    assert (outcome.status, outcome.scope) == (status, about)
    assert "5.7" not in outcome.reason


TEXTS = (
    "",
    "4.3.0 later",
    "4.7.1 <{}>: greylisted",
    "5.7.1 policy",
    "4.7.1 Error: too much mail from 1.2.3.4",
)


def test_a_reply_before_a_recipient_was_named_strikes_no_domain_and_keeps_every_address():
    codes = (421, 450, 451, 452, 454, 501, 530, 550, 552, 553, 554, 0, -1, 999)
    for stage, code, text in itertools.product((Stage.SESSION, Stage.MAIL), codes, TEXTS):
        result = result_of(stage, code, text.format(JAN), JAN)

        assert result.status is SendStatus.DEFERRED
        assert result.scope in OF_RELAY
        assert stage is Stage.MAIL or result.scope is FailureScope.SERVER
        for before in range(5):
            assert rate_policy.deferrals(before, result) == before


@given(
    stage=st.sampled_from(Stage),
    code=st.integers(-1, 999).filter(lambda code: not 200 <= code < 400),
    text=st.sampled_from(TEXTS) | st.text(max_size=40),
    names_jan=st.booleans(),
    before=st.integers(0, 9),
)
def test_only_who_is_to_blame_is_limited(stage, code, text, names_jan, before):
    text = f"{text} <{JAN}>" if names_jan else text.replace("{}", "")
    result = result_of(stage, code, text, JAN)
    is_domain = result.scope is FailureScope.DOMAIN

    assert set(BLAMED[stage]) == set(ReplyClass)
    assert result.scope is blamed(stage, code, text, JAN)
    if classify(code, text) in {ReplyClass.CLOSING, ReplyClass.RATE} and not names_jan:
        assert result.scope in OF_RELAY
    if is_domain:
        assert stage not in {Stage.SESSION, Stage.MAIL}
    if result.scope in OF_RELAY:
        assert rate_policy.deferrals(before, result) == before
        assert result.status is not SendStatus.REFUSED
    assert rate_policy.is_failure(result) is (result.scope is FailureScope.SERVER)
