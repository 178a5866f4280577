"""Send the messages that are due: name and address to the mail server, and nothing else."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import bindparam, exists
from sqlalchemy.orm import Session

from trustsvc import log
from trustsvc.mail.message import FailureScope, MailTransport, SendResult, SendStatus
from trustsvc.mail.outbox import (
    circuit_breaker,
    expired_leases,
    kinds,
    lease,
    lease_renewal,
    rate_policy,
    relay_rate,
    resend,
    return_path,
    send_suspension,
    settle,
)
from trustsvc.mail.outbox.models import messages, send_suspensions
from trustsvc.mail.outbox.settle import LeasedDraft
from trustsvc.mail.outbox.state import HANDED, LEASED, message_states
from trustsvc.storage import db

MAX_ROUND = timedelta(minutes=2)  # a job ends before its worker's time limit
NOT_COMPOSED = "not_composed"

# Built once: they are executed for each message, and to build one takes longer than to execute it.
_HAND = (
    message_states.update(messages, (LEASED,), HANDED)
    .where(
        messages.c.id == bindparam("one"),
        messages.c.lease == bindparam("by"),
        messages.c.leased_until > bindparam("now"),
    )
    .values(leased_until=bindparam("until"))
)
_HAND_UNLESS_SUSPENDED = _HAND.where(~exists(send_suspensions.select()))

logger = log.get_logger("mail")

Now = Callable[[], datetime]
Wait = Callable[[float], bool]


def _wait(seconds: float) -> bool:
    if seconds:
        time.sleep(seconds)
    return False


class LeaseLost(Exception):
    """Somebody else has the message, or it must not leave any more: do not end its DATA."""


def send(
    open_transaction: db.OpenTransaction,
    transport: MailTransport,
    now: Now,
    *,
    only_unsuspendable: bool = False,
    wait: Wait = _wait,
    most: int = lease.BATCH_SIZE,
) -> bool:
    """Send one batch; gives whether it was full and more may be due, so that a job goes on.

    No transaction is open while the mail server answers. Right before each end of DATA one commit
    settles the message before, reads every reason not to send again and marks this message as
    handed. Two senders never have the same message. A sender that dies leaves at most one unknown
    delivery; its other messages are due again. With `only_unsuspendable` only kinds are sent that
    no send suspension stops. Once `wait`, which takes seconds, says to stop, the message that is
    being sent is finished, and no other. Where the mail server's rate is known each message waits
    for its moment.
    """
    started = now()
    of = [k for k in kinds.registered() if not (only_unsuspendable and k.obeys_send_suspension)]
    with open_transaction() as session:
        expired_leases.expire(session, started, of)
        resend.resend_unknown(session, started, of)
        gate = circuit_breaker.ask(session, started, most)
        slots = relay_rate.ask(session, gate.server, started, gate.limit)
        leased = lease.lease(session, started, of, slots.limit) if slots.limit else []
        moments = relay_rate.leased(session, gate.server, slots, len(leased), started)
        circuit_breaker.leased(
            session, gate, len(leased), leased[0].lease if leased else b"", started
        )
    if not leased:
        return False
    round_ = _Round(open_transaction, now, gate, wait)
    try:
        with lease_renewal.renewed(open_transaction, leased[0].lease, now):
            goes_on = round_.send_all(leased, moments, transport)
            return goes_on and len(leased) == slots.limit
    finally:
        round_.end(leased[0].lease)


class _Round:
    """The messages of one lease: what was handed over, and what became of it."""

    def __init__(
        self,
        open_transaction: db.OpenTransaction,
        now: Now,
        gate: circuit_breaker.Gate,
        wait: Wait = _wait,
    ) -> None:
        self._open = open_transaction
        self._now = now
        self._wait = wait
        self._server, self._has_failed = gate.server, gate.has_failed
        self._results: list[settle.LeasedResult] = []
        self._deferring: set[bytes] = set()  # domains that deferred in this round
        self._throttled: set[bytes] = set()  # domains that get nothing more in this round
        self._is_suspended = False  # since this round began
        self._is_open = False  # the circuit breaker, since this round began

    def send_all(
        self,
        leased: Sequence[LeasedDraft],
        moments: Sequence[datetime],
        transport: MailTransport,
    ) -> bool:
        """Send what may leave, each at its moment; False when nothing more is to be sent for now.

        That is when the mail server is away or takes no more, sending was suspended, or this
        process stops.
        """
        started = self._now()
        for one, moment in zip(leased, moments, strict=True):
            if self._wait(max((moment - self._now()).total_seconds(), 0)):
                return False
            if self._now() - started > MAX_ROUND:
                break
            if one.domain in self._throttled or not one.draft.may_leave(self._now()):
                continue
            result = self._send(one, transport)
            if result and (self._is_open or result.reason in rate_policy.AWAY):
                logger.warning("mail.server_unreachable", reason=result.reason)
                return False  # the others need not be tried one by one
            if result and result.scope is FailureScope.RATE:
                return False
            if self._is_suspended:
                return False
        return True

    def end(self, lease_token: bytes) -> None:
        """Settle the last message, and give back what was not reached."""
        with self._open() as session:
            settle.settle(session, self._results, self._now())
            settle.give_back(session, lease_token)

    def _send(self, one: LeasedDraft, transport: MailTransport) -> SendResult | None:
        try:
            message = one.draft.compose(return_path.code(one.message.token), self._now())
        except Exception as problem:  # noqa: BLE001 - or one message would keep all others back
            # Not the whole exception: its text may hold what the message is about.
            error = type(problem).__name__
            logger.error("mail.message_not_composed", message=one.message.id, error=error)  # noqa: TRY400
            result = SendResult(SendStatus.DEFERRED, NOT_COMPOSED)
        else:
            try:
                result = transport.send(message, lambda: self._hand_over(one))
            except LeaseLost:
                return None
        if result.scope is FailureScope.DOMAIN:
            self._throttled.add(one.domain)
        if result.status is SendStatus.DEFERRED:
            self._deferring.add(one.domain)
        elif one.domain in self._deferring:
            one = replace(one, domain_defers=True)
        self._results.append((one, result))
        self._report_to_breaker(result)
        return result

    def _report_to_breaker(self, result: SendResult) -> None:
        """Count a failure of the server, and the first success after one."""
        if result.reason == NOT_COMPOSED:
            return
        if result.scope is FailureScope.RATE:
            self._learn_rate()
        if rate_policy.is_failure(result):
            with self._open() as session:
                self._is_open = circuit_breaker.failed(session, self._server, self._now())
            self._has_failed = True
        elif self._has_failed:
            with self._open() as session:
                circuit_breaker.succeeded(session, self._server, self._now())
            self._has_failed = False

    def _learn_rate(self) -> None:
        unsettled = sum(result.status is SendStatus.SENT for _, result in self._results)
        with self._open() as session:
            rate = relay_rate.refused(session, self._server, self._now(), unsettled)
        logger.info("mail.relay_rate_learnt", per_minute=rate)

    def _hand_over(self, one: LeasedDraft) -> None:
        now = self._now()
        with self._open() as session:
            may_leave = lease.still_allowed(session, one, now)
            self._throttled |= settle.settle(session, self._results, now)
            is_handed = may_leave and _mark_handed(session, one, now)
            if not is_handed and _obeys_send_suspension(one):
                self._is_suspended = bool(send_suspension.stops(session))
        self._results.clear()
        if not is_handed:
            raise LeaseLost


def _obeys_send_suspension(one: LeasedDraft) -> bool:
    return kinds.by_name(one.message.kind).obeys_send_suspension


def _mark_handed(session: Session, one: LeasedDraft, now: datetime) -> bool:
    """Mark a message as handed; False where the lease is lost, or its kind is suspended."""
    obeys = _obeys_send_suspension(one)
    if obeys and send_suspension.unfinished().exists():
        return False
    values = {
        "one": one.message.id,
        "by": one.lease,
        "now": now,
        "until": now + lease_renewal.MESSAGE_LEASE,
    }
    done = session.connection().execute(_HAND_UNLESS_SUSPENDED if obeys else _HAND, values)
    return db.row_count(done) > 0
