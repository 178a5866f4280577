import pytest
from click.testing import CliRunner

from tests.invitations.setup import NOON, Post, invited, sent, shop
from tests.invitations.test_desk import few, names, paused_shop
from trustsvc import cli, clock
from trustsvc.doctor.check import check
from trustsvc.invitations.models import messages
from trustsvc.mail.message import DeliveryResult, DeliveryStatus
from trustsvc.mail.outbox import circuit_breaker, retry_limit
from trustsvc.storage import db


def run(*words):
    return CliRunner().invoke(cli.main, ["mail", *words])


def found(now):
    (one,) = [one for one in check(now) if one.what == "letters"]
    return one


def test_where_all_is_well_it_says_so(house):
    done = run("status")

    assert done.exit_code == 0
    assert "E-mails leave." in done.output
    assert found(clock.now()).level == "OK"


@few
def test_a_paused_shop_is_shown_here_and_by_the_doctor_and_goes_on_by_its_name(house):
    at_shop = paused_shop()

    assert f"trustsvc mail resume {at_shop.slug}" in " ".join(run("status").output.split())
    assert found(clock.now()).level == "FAIL"

    assert run("resume", at_shop.slug).exit_code == 0
    assert names() == []
    again = run("resume", at_shop.slug)
    assert again.exit_code == 1
    assert "no such shop is paused" in " ".join(again.output.split())


def test_letters_in_doubt_are_counted_here_and_by_the_doctor(house):
    invited(shop())
    sent(Post(DeliveryResult(DeliveryStatus.UNKNOWN, "no_answer")))

    assert "1 unknown deliveries" in run("status").output
    assert found(NOON).level == "WARN"


def test_a_mail_server_that_is_left_alone_is_said(house):
    now = clock.now()
    with db.transaction() as session:
        for _ in range(5):
            circuit_breaker.failed(session, "maildir", now)

    assert "The circuit breaker is open" in run("status").output
    assert found(now).level == "WARN"


@pytest.mark.parametrize("problem", ["gave_up", "smtp_550"])
def test_what_was_given_up_is_tried_again_on_wish_and_what_was_refused_is_not(house, problem):
    invited(shop())
    values = {"state": "refused", "problem": problem, "waited": retry_limit.LONGEST_S}
    with db.transaction() as session:
        session.execute(messages.update().values(**values))

    assert f"{int(problem == 'gave_up')} e-mails are due again." in run("retry-failed").output
