from datetime import timedelta

import pytest

from tests.invitations.sample_orders import NOON
from trustsvc.mail.message import FailureScope, SendResult, SendStatus
from trustsvc.mail.outbox import rate_policy
from trustsvc.mail.outbox.rate_policy import Domain

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
FRESH = Domain(NOON, NOON)


@pytest.mark.parametrize(
    ("outcome", "failure"),
    [
        (SendResult(SendStatus.SENT), False),
        (SendResult(SendStatus.REFUSED, "smtp_550"), False),
        (SendResult(SendStatus.DEFERRED, "smtp_450"), False),
        (SendResult(SendStatus.DEFERRED, "policy", FailureScope.DOMAIN), False),
        (SendResult(SendStatus.DEFERRED, "smtp_421", FailureScope.DOMAIN), False),
        (SendResult(SendStatus.DEFERRED, "smtp_421"), True),
        (SendResult(SendStatus.DEFERRED, "smtp_450", FailureScope.RATE), False),
        (SendResult(SendStatus.DEFERRED, "smtp_451", FailureScope.SERVER), True),
        (SendResult(SendStatus.DEFERRED, "smtp_550", FailureScope.SERVER), True),
        (SendResult(SendStatus.DEFERRED, "no_connection"), True),
        (SendResult(SendStatus.DEFERRED, "no_tls"), True),
        (SendResult(SendStatus.DEFERRED, "no_login"), True),
        (SendResult(SendStatus.DEFERRED, "maildir"), True),
        (SendResult(SendStatus.UNKNOWN, "no_answer"), True),
    ],
)
def test_a_mail_server_fails_by_what_it_does_to_us_and_not_to_a_mailbox(outcome, failure):
    assert rate_policy.is_failure(outcome) is failure


@pytest.mark.parametrize(
    ("opened", "share", "seconds"),
    [(0, 0, 15), (0, 1, 30), (1, 1, 60), (4, 0, 240), (5, 1, 900), (99, 1, 900), (99, 0, 450)],
)
def test_a_mail_server_is_left_alone_twice_as_long_each_time_and_at_most_15_minutes(
    opened, share, seconds
):
    assert rate_policy.server_pause(opened, share) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("usual", "minutes", "rate"),
    [
        (0, 0, 16),
        (0, 60, 16),
        (100, 0, 25),
        (100, 1, 50),
        (100, 2.9, 100),
        (100, 3, 160),
        (100, 10**6, 160),
        (100, -60, 25),
    ],
)
def test_a_mail_server_that_is_back_gets_messages_slowly_and_never_twice_the_usual(
    usual, minutes, rate
):
    assert rate_policy.ramp_up_rate(usual, minutes * MINUTE) == rate


def test_no_minute_after_a_return_holds_more_than_twice_the_usual_however_often_one_asks():
    usual, given, last = 40, [], None
    for second in range(0, 1200, 7):
        moment = NOON + second * SECOND
        number = rate_policy.allowance(
            rate_policy.ramp_up_rate(usual, second * SECOND), last and moment - last
        )
        if number:
            last = moment
            given.append((second, number))

    most = max(sum(n for at, n in given if start <= at < start + 60) for start in range(1200))
    assert usual < most <= 2 * usual


@pytest.mark.parametrize(
    ("deferrals", "outcome", "after"),
    [
        (0, SendResult(SendStatus.DEFERRED, "smtp_450"), 1),
        (1, SendResult(SendStatus.DEFERRED, "smtp_451"), 2),
        (0, SendResult(SendStatus.DEFERRED, "policy", FailureScope.DOMAIN), 3),
        (3, SendResult(SendStatus.DEFERRED, "smtp_451", FailureScope.DOMAIN), 4),
        (2, SendResult(SendStatus.DEFERRED, "smtp_451", FailureScope.SERVER), 2),
        (2, SendResult(SendStatus.DEFERRED, "smtp_450", FailureScope.RATE), 2),
        (1, SendResult(SendStatus.DEFERRED, "smtp_452"), 1),
        (1, SendResult(SendStatus.REFUSED, "smtp_550"), 1),
        (5, SendResult(SendStatus.SENT), 0),
    ],
)
def test_a_domain_that_says_later_is_counted(deferrals, outcome, after):
    assert rate_policy.deferrals(deferrals, outcome) == after


@pytest.mark.parametrize(
    ("deferrals", "share", "seconds"),
    [(0, 1, 0), (2, 1, 0), (3, 0, 30), (3, 1, 60), (4, 1, 120), (8, 1, 1800), (99, 0.5, 1350)],
)
def test_a_domain_is_left_alone_from_the_third_time_on_for_half_an_hour_at_most(
    deferrals, share, seconds
):
    assert rate_policy.domain_pause(deferrals, share) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("count", "a_minute", "go", "later"),
    [
        (0, 60, 0, []),
        (15, 60, 15, []),
        (17, 60, 15, [16, 17]),
        (3, 1, 1, [120, 180]),
        (5000, 0, 5000, []),
        (200, 600, 150, None),
    ],
)
def test_what_is_over_the_pace_of_a_domain_waits_in_a_row(count, a_minute, go, later):
    turns = rate_policy.slots(count, a_minute, FRESH, NOON)

    assert turns.go == go
    assert len(turns.later) == count - go
    if later is not None:
        assert [(at - NOON).total_seconds() for at in turns.later] == later


@pytest.mark.parametrize("a_minute", [1, 7, 60, 600])
def test_messages_of_one_domain_keep_its_pace_and_are_put_off_about_once(a_minute):
    domain, now = FRESH, NOON
    due, sent, moves = [NOON] * 300, [], 0
    while due:
        ready = sorted(at for at in due if at <= now)[:500]
        turns = rate_policy.slots(len(ready), a_minute, domain, now)
        domain = turns.domain
        sent += [now] * turns.go
        moves += len(turns.later)
        due = [at for at in due if at > now] + list(turns.later)
        now += 15 * SECOND

    for at in set(sent):
        assert sum(at <= other < at + MINUTE for other in sent) <= a_minute * 1.25 + 1
    assert len(sent) == 300
    assert moves <= 330
    assert now - NOON <= 300 * MINUTE / a_minute + 3 * MINUTE


def test_what_comes_later_waits_behind_what_waits_already():
    first = rate_policy.slots(100, 60, FRESH, NOON)
    second = rate_policy.slots(2, 60, first.domain, NOON)

    assert second.go == 0
    assert min(second.later) > max(first.later)


def test_a_domain_that_is_left_alone_gets_none_and_then_one_after_the_other():
    until = NOON + 10 * MINUTE
    turns = rate_policy.slots(3, 60, Domain(NOON, NOON, 3, until), NOON)

    assert turns.go == 0
    assert list(turns.later) == [until + n * SECOND for n in (1, 2, 3)]


@pytest.mark.parametrize("jump", [-HOUR, -24 * HOUR, -10 * 365 * 24 * HOUR])
def test_what_was_planned_before_the_clock_went_back_holds_nobody_up(jump):
    before = Domain(NOON + MINUTE, NOON + HOUR, 3, NOON + 30 * MINUTE)
    now = NOON + jump - HOUR

    turns = rate_policy.slots(2, 60, before, now)

    assert turns.go == 2
    assert not rate_policy.is_ahead(NOON + MINUTE, now, rate_policy.MAX_SERVER_PAUSE)
    assert rate_policy.allowance(60, jump) == 15


@pytest.mark.parametrize(
    ("least", "usual", "real", "most"),
    [(1000, 0, 0, 1000), (1000, 300, 0, 1500), (1000, 10, 5000, 25000), (0, 10, 10, 0)],
)
def test_a_shop_may_ask_five_times_its_usual_or_what_was_confirmed_as_real(
    least, usual, real, most
):
    assert rate_policy.max_per_hour(least, usual, real) == most
