"""A round of sending: the messages of one lease, in groups, each at its moment."""

import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from trustsvc import log
from trustsvc.mail.group_transport import GroupTransport
from trustsvc.mail.message import FailureScope, Message, SendResult, SendStatus
from trustsvc.mail.outbox import (
    circuit_breaker,
    hand_over,
    rate_policy,
    relay_rate,
    return_path,
    settle,
)
from trustsvc.mail.outbox.settle import LeasedDraft
from trustsvc.storage import db

MAX_ROUND = timedelta(minutes=2)  # a job ends before its worker's time limit
NOT_COMPOSED = "not_composed"

logger = log.get_logger("mail")

Wait = Callable[[float], bool]


def sleep(seconds: float) -> bool:
    """Wait so many seconds; nobody asks to stop meanwhile."""
    if seconds:
        time.sleep(seconds)
    return False


@dataclass(frozen=True, slots=True)
class _Composed:
    one: LeasedDraft
    moment: datetime
    message: Message


class SendingRound:
    """What was handed over of one lease, and what became of it."""

    def __init__(
        self,
        open_transaction: db.OpenTransaction,
        now: Callable[[], datetime],
        gate: circuit_breaker.Gate,
        wait: Wait,
    ) -> None:
        self._open = open_transaction
        self._now = now
        self._wait = wait
        self._server, self._has_failed = gate.server, gate.has_failed
        self._queue: deque[tuple[LeasedDraft, datetime]] = deque()
        self._results: list[settle.LeasedResult] = []
        self._deferring: set[bytes] = set()  # domains that deferred in this round
        self._throttled: set[bytes] = set()  # domains that get nothing more in this round
        self._uncertain: list[int] = []  # being handed over; if that fails, nothing of it leaves
        self._is_suspended = False  # since this round began
        self._is_open = False  # the circuit breaker, since this round began

    def send_all(
        self,
        leased: Sequence[LeasedDraft],
        moments: Sequence[datetime],
        transport: GroupTransport,
    ) -> bool:
        """Send what may leave, each at its moment; False when nothing more is to be sent for now.

        That is when the mail server is away or takes no more, sending was suspended, or this
        process stops.
        """
        started = self._now()
        self._queue.extend(zip(leased, moments, strict=True))
        while self._queue:
            if self._wait(max((self._queue[0][1] - self._now()).total_seconds(), 0)):
                return False
            if self._now() - started > MAX_ROUND:
                break
            # A mail server that failed is asked by one message until it takes one.
            group = self._next_group(1 if self._has_failed else transport.size)
            if group and not self._goes_on_after(self._send(group, transport)):
                return False
        return True

    def end(self, lease_token: bytes) -> None:
        """Settle the last messages, and give back what was not reached."""
        with self._open() as session:
            settle.settle(session, self._results, self._now())
            settle.give_back(session, lease_token)
            hand_over.take_back(session, lease_token, self._uncertain)

    def _next_group(self, most: int) -> list[_Composed]:
        """Compose the next message, whose moment is now, and others whose moment has come."""
        group: list[_Composed] = []
        now = self._now()
        is_first = True
        while self._queue and len(group) < most and (is_first or self._queue[0][1] <= now):
            is_first = False
            one, moment = self._queue.popleft()
            if one.domain in self._throttled or not one.draft.may_leave(now):
                continue
            try:
                message = one.draft.compose(return_path.code(one.message.token), now)
            except Exception as problem:  # noqa: BLE001 - or it would keep all others back
                # Not the whole exception: its text may hold what the message is about.
                error = type(problem).__name__
                logger.error("mail.message_not_composed", message=one.message.id, error=error)  # noqa: TRY400
                self._note(one, SendResult(SendStatus.DEFERRED, NOT_COMPOSED))
            else:
                group.append(_Composed(one, moment, message))
        return group

    def _send(self, group: Sequence[_Composed], transport: GroupTransport) -> list[SendResult]:
        """Send a group; gives the results of those that were tried."""

        def before_end_of_data(places: Sequence[int]) -> Collection[int]:
            ids = self._hand_over([group[at].one for at in places])
            return {at for at in places if group[at].one.message.id in ids}

        size = transport.size
        results = transport.send_group([x.message for x in group], before_end_of_data)
        if transport.size < size:
            logger.warning("mail.fewer_connections", connections=transport.size)
        tried: list[SendResult] = []
        untried: list[tuple[LeasedDraft, datetime]] = []
        for composed, result in zip(group, results, strict=True):
            if result is None:
                continue
            if result.status is SendStatus.UNTRIED:
                untried.append((composed.one, composed.moment))
                continue
            self._note(composed.one, result)
            tried.append(result)
        self._queue.extendleft(reversed(untried))
        self._report_to_breaker(tried)
        return tried

    def _goes_on_after(self, results: Sequence[SendResult]) -> bool:
        away = [one.reason for one in results if self._is_open or one.reason in rate_policy.AWAY]
        if away:
            logger.warning("mail.server_unreachable", reason=away[0])
            return False  # the others need not be tried one by one
        if any(one.scope is FailureScope.RATE for one in results):
            return False
        return not self._is_suspended

    def _note(self, one: LeasedDraft, result: SendResult) -> None:
        if result.scope is FailureScope.DOMAIN:
            self._throttled.add(one.domain)
        if result.status is SendStatus.DEFERRED:
            self._deferring.add(one.domain)
        elif one.domain in self._deferring:
            one = replace(one, domain_defers=True)
        self._results.append((one, result))

    def _report_to_breaker(self, results: Sequence[SendResult]) -> None:
        """Count a failure of the server, and the first success after one.

        A group counts once: its connections fail together, and one that works says that the server
        does.
        """
        if any(one.scope is FailureScope.RATE for one in results):
            self._learn_rate()
        if not results:
            return
        if all(rate_policy.is_failure(one) for one in results):
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

    def _hand_over(self, group: Sequence[LeasedDraft]) -> Collection[int]:
        with self._open() as session:
            self._uncertain = [one.message.id for one in group]
            handed = hand_over.hand_over(session, group, self._results, self._now())
        self._uncertain = []
        self._throttled.update(handed.throttled)
        self._is_suspended |= handed.is_suspended
        self._results.clear()
        return handed.ids
