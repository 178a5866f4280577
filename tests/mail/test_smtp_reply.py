import pytest

from trustsvc.mail.message import DeliveryStatus, FailureScope
from trustsvc.mail.smtp_reply import result_of


@pytest.mark.parametrize(
    ("code", "reply", "fate", "about"),
    [
        (421, "4.3.2 closing", DeliveryStatus.DEFERRED, FailureScope.SERVER),
        (421, "4.7.0 too many letters", DeliveryStatus.DEFERRED, FailureScope.DOMAIN),
        (450, "4.2.0 greylisted", DeliveryStatus.DEFERRED, FailureScope.MAILBOX),
        (451, "4.7.1 greylisted", DeliveryStatus.DEFERRED, FailureScope.DOMAIN),
        (452, "4.2.2 full", DeliveryStatus.DEFERRED, FailureScope.MAILBOX),
        (550, "5.1.1 no such user", DeliveryStatus.REFUSED, FailureScope.MAILBOX),
        (550, "5.7.1 policy", DeliveryStatus.DEFERRED, FailureScope.DOMAIN),
        (550, "sorry (#5.7.1)", DeliveryStatus.DEFERRED, FailureScope.DOMAIN),
        (554, "5.7.26\n5.7.26 unauthenticated", DeliveryStatus.DEFERRED, FailureScope.DOMAIN),
        (550, "5.7.18 the domain has a new owner", DeliveryStatus.REFUSED, FailureScope.MAILBOX),
        (550, "no", DeliveryStatus.REFUSED, FailureScope.MAILBOX),
    ],
)
def test_an_answer_says_what_becomes_of_the_message_and_of_whom_it_speaks(code, reply, fate, about):
    outcome = result_of(code, reply)

    assert (outcome.status, outcome.scope) == (fate, about)
    assert "5.7" not in outcome.reason
