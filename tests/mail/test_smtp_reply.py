import pytest

from trustsvc.mail.smtp_reply import outcome_of
from trustsvc.mail.transport import About, Fate


@pytest.mark.parametrize(
    ("code", "said", "fate", "about"),
    [
        (421, "4.3.2 closing", Fate.LATER, About.SERVER),
        (421, "4.7.0 too many letters", Fate.LATER, About.DOMAIN),
        (450, "4.2.0 greylisted", Fate.LATER, About.MAILBOX),
        (451, "4.7.1 greylisted", Fate.LATER, About.DOMAIN),
        (452, "4.2.2 full", Fate.LATER, About.MAILBOX),
        (550, "5.1.1 no such user", Fate.REFUSED, About.MAILBOX),
        (550, "5.7.1 policy", Fate.LATER, About.DOMAIN),
        (550, "sorry (#5.7.1)", Fate.LATER, About.DOMAIN),
        (554, "5.7.26\n5.7.26 unauthenticated", Fate.LATER, About.DOMAIN),
        (550, "5.7.18 the domain has a new owner", Fate.REFUSED, About.MAILBOX),
        (550, "no", Fate.REFUSED, About.MAILBOX),
    ],
)
def test_an_answer_says_what_becomes_of_the_letter_and_of_whom_it_speaks(code, said, fate, about):
    outcome = outcome_of(code, said)

    assert (outcome.fate, outcome.about) == (fate, about)
    assert "5.7" not in outcome.problem
