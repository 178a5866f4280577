import pytest
from click.testing import CliRunner

from tests.invitations.sample_orders import NOON, Post, invited, sent, shop
from tests.invitations.test_desk import few, names, paused_shop
from trustsvc import cli, clock
from trustsvc.doctor.check import run_all
from trustsvc.mail.message import SendResult, SendStatus
from trustsvc.mail.outbox import circuit_breaker, retry_policy, send_suspension
from trustsvc.mail.outbox.models import messages
from trustsvc.storage import db


def run(*words):
    return CliRunner().invoke(cli.main, ["mail", *words])


def found(name, now):
    (one,) = [one for one in run_all(now) if one.check == name]
    return one


def test_without_a_problem_it_says_so(installation):
    done = run("status")

    assert done.exit_code == 0
    assert "E-mails leave." in done.output
    for name in ("sending", "paused shops", "circuit breaker", "unknown deliveries"):
        assert found(name, clock.now()).level == "OK"


@few
def test_a_paused_shop_is_shown_here_and_by_the_doctor_and_goes_on_by_its_name(installation):
    at_shop = paused_shop()

    assert f"trustsvc mail resume {at_shop.slug}" in " ".join(run("status").output.split())
    assert found("paused shops", clock.now()).level == "FAIL"

    assert run("resume", at_shop.slug).exit_code == 0
    assert names() == []
    again = run("resume", at_shop.slug)
    assert again.exit_code == 1
    assert "no such shop is paused" in " ".join(again.output.split())


def test_unknown_deliveries_are_counted_here_and_by_the_doctor(installation):
    invited(shop())
    sent(Post(SendResult(SendStatus.UNKNOWN, "no_answer")))

    assert "1 unknown deliveries" in run("status").output
    assert found("unknown deliveries", NOON).level == "WARN"


def test_an_open_circuit_breaker_is_shown(installation):
    now = clock.now()
    with db.transaction() as session:
        for _ in range(5):
            circuit_breaker.failed(session, "maildir", now)

    assert "The circuit breaker is open" in run("status").output
    assert found("circuit breaker", now).level == "WARN"


@few
def test_a_paused_shop_hides_neither_an_open_breaker_nor_unknown_deliveries(installation):
    invited(shop())
    sent(Post(SendResult(SendStatus.UNKNOWN, "no_answer")))
    paused_shop()
    with db.transaction() as session:
        send_suspension.stop(session, send_suspension.COMPLAINTS, "complaint_rate", NOON)
        for _ in range(5):
            circuit_breaker.failed(session, "maildir", NOON)

    levels = {one.check: one.level for one in run_all(NOON)}

    assert (levels["paused shops"], levels["sending"]) == ("FAIL", "FAIL")
    assert (levels["circuit breaker"], levels["unknown deliveries"]) == ("WARN", "WARN")


@pytest.mark.parametrize("problem", ["retry_limit", "smtp_550"])
def test_retry_failed_sends_what_reached_the_retry_limit_and_not_what_was_refused(
    installation, problem
):
    invited(shop())
    values = {"state": "refused", "reason": problem, "waited_s": retry_policy.LIMIT_S}
    with db.transaction() as session:
        session.execute(messages.update().values(**values))

    assert f"{int(problem == 'retry_limit')} e-mails are due again." in run("retry-failed").output
