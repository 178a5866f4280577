"""Send the letters that are due: name and address to the mail server, and nothing else."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta

from jinja2 import TemplateError
from sqlalchemy import update
from sqlalchemy.orm import Session

from trustsvc import log
from trustsvc.invitations.compose import write
from trustsvc.invitations.models import messages
from trustsvc.invitations.planning import schedule
from trustsvc.mail.message import DeliveryResult, DeliveryStatus, FailureScope, MailTransport
from trustsvc.mail.outbox import (
    circuit_breaker,
    expired_leases,
    lease,
    lease_renewal,
    rate_policy,
    resend_unknown,
    send_suspension,
)
from trustsvc.mail.outbox.lease import Due
from trustsvc.mail.outbox.settle import settle

LONGEST_ROUND = timedelta(minutes=2)  # a job ends before its worker's patience does

logger = log.get_logger("invitations")

OpenTransaction = Callable[[], AbstractContextManager[Session]]
Now = Callable[[], datetime]


class LeaseLost(Exception):
    """Somebody else has the letter, or it must not leave any more: do not say the dot."""


def send(open_transaction: OpenTransaction, postbox: MailTransport, now: Now) -> int:
    """Send one batch; gives how many letters were leased, so that a job can go on while it is full.

    The database is let go of while the mail server speaks. Just before each final dot every reason
    not to send is looked at once more, what stops all letters too, and the letter is marked as
    handed over, in the same commit that settles the one before it. Two senders never have
    the same letter; one that dies leaves letters that are due again, and at most one unknown.
    """
    started = now()
    with open_transaction() as session:
        expired_leases.recover(session, started)
        resend_unknown.resend(session, started)
        gate = circuit_breaker.ask(session, started, lease.MOST)
        leased = lease.lease(session, started, gate.most)
        circuit_breaker.leased(
            session, gate, len(leased), leased[0].lease if leased else b"", started
        )
    if not leased:
        return 0
    round_ = _Round(open_transaction, now, gate)
    try:
        with lease_renewal.held(open_transaction, leased[0].lease, now):
            for one in leased:
                if now() - started > LONGEST_ROUND or not _is_daytime(one, now()):
                    break
                if one.domain in round_.shunned:
                    continue
                outcome = round_.post(one, postbox)
                if outcome and (round_.is_tripped or outcome.reason in rate_policy.AWAY):
                    logger.warning("the mail server is away", problem=outcome.reason)
                    return 0  # the others need not be tried one by one
                if round_.is_stopped:
                    return 0
    finally:
        round_.end(leased)
    return len(leased)


class _Round:
    """The letters of one lease: what was handed over, and what became of it."""

    def __init__(
        self, open_transaction: OpenTransaction, now: Now, gate: circuit_breaker.Gate
    ) -> None:
        self._open = open_transaction
        self._now = now
        self._server, self._is_shaky = gate.server, gate.shaky
        self._outcomes: list[tuple[Due, DeliveryResult]] = []
        self._struck: set[bytes] = set()  # domains that said later in this round
        self.is_stopped = False  # somebody stopped the letters, or too many were complained of
        self.is_tripped = False  # the mail server is left alone from now on
        self.shunned: set[bytes] = set()  # domains that are

    def post(self, one: Due, postbox: MailTransport) -> DeliveryResult | None:
        try:
            letter = write(one, self._now())
        except (TemplateError, LookupError, ValueError, TypeError) as problem:
            # Not the whole exception: its text may hold what the letter is about.
            logger.error("letter not written", letter=one.id, problem=type(problem).__name__)  # noqa: TRY400
            outcome = DeliveryResult(DeliveryStatus.DEFERRED, "not_written")
        else:
            try:
                outcome = postbox.send(letter, lambda: self._hand(one))
            except LeaseLost:
                return None
        if outcome.scope is FailureScope.DOMAIN:
            self.shunned.add(one.domain)
        if outcome.status is DeliveryStatus.DEFERRED:
            self._struck.add(one.domain)
        elif one.domain in self._struck:
            one = replace(one, is_news=True)
        self._outcomes.append((one, outcome))
        self._weigh(outcome)
        return outcome

    def _weigh(self, outcome: DeliveryResult) -> None:
        """Tell the breaker; as long as all is well there is nothing to tell."""
        if outcome.reason == "not_written":
            return
        if rate_policy.is_failure(outcome):
            with self._open() as session:
                self.is_tripped = circuit_breaker.failed(session, self._server, self._now())
            self._is_shaky = True
        elif self._is_shaky:
            with self._open() as session:
                circuit_breaker.succeeded(session, self._server, self._now())
            self._is_shaky = False

    def _hand(self, one: Due) -> None:
        now = self._now()
        with self._open() as session:
            self.is_stopped = bool(send_suspension.stops(session))
            may_leave = not self.is_stopped and lease.look_again(session, one, now)
            self.shunned |= settle(session, self._outcomes, now)
            is_handed = may_leave and self._mark(session, one, now)
        self._outcomes.clear()
        if not is_handed:
            raise LeaseLost

    def _mark(self, session: Session, one: Due, now: datetime) -> bool:
        done = session.execute(
            update(messages)
            .where(
                messages.c.id == one.id,
                messages.c.lease == one.lease,
                messages.c.state == "leased",
                messages.c.leased_until > now,
            )
            .values(state="handed", leased_until=now + lease_renewal.LEASE)
        )
        return bool(done.rowcount)  # type: ignore[attr-defined]

    def end(self, leased: list[Due]) -> None:
        """Settle the last letter, and give back what was not come to."""
        with self._open() as session:
            settle(session, self._outcomes, self._now())
            session.execute(
                update(messages)
                .where(messages.c.lease == leased[0].lease, messages.c.state == "leased")
                .values(state="due", lease=None, leased_until=None)
            )


def _is_daytime(one: Due, now: datetime) -> bool:
    return schedule.daytime(now, one.zone) <= now
