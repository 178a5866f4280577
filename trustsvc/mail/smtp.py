"""Send messages to a mail server in groups: one message over each of a few connections.

All is written before anything is waited for, so a group takes as long as its slowest message. A
sender that dies leaves at most one message a connection of which nobody knows whether it arrived.
"""

import contextlib
import smtplib
import time
from collections.abc import Callable, Sequence

from trustsvc.mail.group_transport import BeforeEndOfData
from trustsvc.mail.message import (
    Envelope,
    FailureScope,
    Message,
    SendResult,
    SendStatus,
    UnwritableMessage,
    to_bytes,
)
from trustsvc.mail.smtp_connection import TIMEOUT_S, Connection
from trustsvc.mail.smtp_dialogue import LOST, SmtpDialogue
from trustsvc.mail.smtp_session import NoSession, SmtpServer

CLOSING_S = 5.0
OTHERS_WAIT_S = 1.0  # after one connection gave no reply in time: the others had as long
SERVER_CLOSED = {"smtp_421", "connection_lost"}
UNTRIED = SendResult(SendStatus.UNTRIED)


class SmtpTransport:
    """Sends over up to so many connections; opens them as they are needed.

    A connection that was lost is opened once again for the message that found it so. Where the
    server takes no further connection, those that are open go on.
    """

    def __init__(self, url: str, sender: str, connections: int = 1) -> None:
        self._server = SmtpServer(url, sender)
        self._sender = sender
        self._size = connections
        self._idle: list[Connection] = []

    def __repr__(self) -> str:
        return "SmtpTransport(…)"

    @property
    def size(self) -> int:
        return self._size

    def send(self, message: Message, before_end_of_data: Callable[[], None]) -> SendResult:
        def before(places: Sequence[int]) -> Sequence[int]:
            if places:
                before_end_of_data()
            return places

        (result,) = self.send_group([message], before)
        assert result is not None  # none is held back
        return result

    def send_group(
        self, messages: Sequence[Message], before_end_of_data: BeforeEndOfData
    ) -> list[SendResult | None]:
        results: dict[int, SendResult] = {}
        dialogues: dict[int, SmtpDialogue] = {}
        try:
            self._begin(messages, dialogues, results)
            _transmit(list(dialogues.values()))
            self._reconnect(list(dialogues.values()))
            self._end(dialogues, before_end_of_data)
        except BaseException:
            for one in dialogues.values():
                one.drop()
            raise
        self._keep(list(dialogues.values()))
        for at, one in dialogues.items():
            if one.result is not None:
                results[at] = one.result
        return [results.get(at) for at in range(len(messages))]

    def close(self) -> None:
        for link in self._idle:
            link.expect_reply(CLOSING_S)
            with contextlib.suppress(OSError, smtplib.SMTPException):
                link.send_all(b"QUIT\r\n")
        for link in self._idle:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                link.getreply()
            with contextlib.suppress(OSError):
                link.close()
        self._idle.clear()

    def _begin(
        self,
        messages: Sequence[Message],
        dialogues: dict[int, SmtpDialogue],
        results: dict[int, SendResult],
    ) -> None:
        """Give each message a connection; what gets none is untried."""
        envelopes: dict[int, Envelope] = {}
        for at, message in enumerate(messages):
            try:
                envelopes[at] = to_bytes(message, self._sender)
            except UnwritableMessage as error:
                results[at] = SendResult(SendStatus.REFUSED, str(error))
        failure: NoSession | None = None
        began = time.monotonic()
        for at, envelope in envelopes.items():
            if dialogues and time.monotonic() - began > TIMEOUT_S:  # to open them takes too long
                self._size = len(dialogues)
            if failure or len(dialogues) >= self._size:
                results[at] = UNTRIED
                continue
            try:
                is_reused = bool(self._idle)
                link = self._idle.pop() if is_reused else self._server.open_session()
            except NoSession as error:
                failure = error
                results[at] = UNTRIED if dialogues else _no_session(error)
                self._size = max(1, len(dialogues))
                continue
            dialogues[at] = SmtpDialogue(link, envelope, is_reused=is_reused)

    def _reconnect(self, dialogues: Sequence[SmtpDialogue]) -> None:
        """Try once more where an idle connection turned out to be closed."""
        found_closed = [
            one
            for one in dialogues
            if one.is_reused and one.result and one.result.reason in SERVER_CLOSED
        ]
        again: list[SmtpDialogue] = []
        failure: NoSession | None = None
        began = time.monotonic()
        for one in found_closed:
            try:
                if failure is None and time.monotonic() - began <= TIMEOUT_S:
                    one.begin_again(self._server.open_session())
                    again.append(one)
                    continue
            except NoSession as error:
                failure = error
            open_ones = sum(other.link is not None for other in dialogues)
            is_only = not open_ones and one is found_closed[0]
            one.result = _no_session(failure) if is_only and failure else UNTRIED
            self._size = max(1, open_ones)
        _transmit(again)

    def _end(self, dialogues: dict[int, SmtpDialogue], before_end_of_data: BeforeEndOfData) -> None:
        ready = [at for at, one in dialogues.items() if one.is_ready]
        if not ready:
            return
        leaving = before_end_of_data(ready)
        for at in ready:
            if at in leaving:
                dialogues[at].end_data()
            else:
                dialogues[at].drop()
        for at in leaving:
            dialogues[at].read_answer()

    def _keep(self, dialogues: Sequence[SmtpDialogue]) -> None:
        """Keep the connections that are of use; fewer where the server closed some of them."""
        self._idle += [one.link for one in dialogues if one.link]
        reasons = [one.result.reason for one in dialogues if one.result]
        closed = sum(one in SERVER_CLOSED for one in reasons)
        if closed < len(reasons):
            self._size = max(1, self._size - closed)


def _transmit(dialogues: Sequence[SmtpDialogue]) -> None:
    """Send all but the end of DATA of each message."""
    wait_s = TIMEOUT_S
    while active := [one for one in dialogues if one.has_more]:
        for one in active:
            one.write()
        for one in active:
            one.read(wait_s)
            if one.result is LOST:  # the others had as long to reply
                wait_s = OTHERS_WAIT_S


def _no_session(error: NoSession) -> SendResult:
    return SendResult(SendStatus.DEFERRED, str(error), FailureScope.SERVER)
