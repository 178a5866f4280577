"""One message over one SMTP connection, in steps, so that several go on side by side.

A thin client over smtplib's primitives. smtplib itself waits without end for a server that sends
one byte a second. It cannot pipeline, and it sends the end of DATA before the caller could record
it.
"""

import contextlib
import smtplib

from trustsvc.mail.message import Envelope, FailureScope, SendResult, SendStatus
from trustsvc.mail.smtp_connection import TIMEOUT_S, Connection
from trustsvc.mail.smtp_reply import Stage, result_of

SERVER_CLOSES = 421  # RFC 5321 3.8: the server closes the connection
RESET_S = 5.0  # the other connections of the group wait meanwhile
END_OF_DATA_TIMEOUT_S = 600.0  # RFC 5321 4.5.3.2.6

STAGES = (Stage.MAIL, Stage.RCPT, Stage.DATA)
LOST = SendResult(SendStatus.DEFERRED, "connection_lost", FailureScope.SERVER)

SmtpReply = tuple[int, str]


class SmtpDialogue:
    """First `write` and `read` in turn while `has_more`; then `end_data` and `read_answer`.

    `result` is set once it is known what became of the message; `link` is None once the connection
    is of no more use. With PIPELINING (RFC 2920) all commands go out at once, and every reply is
    looked at before the message itself is sent.
    """

    def __init__(self, link: Connection, envelope: Envelope, *, is_reused: bool) -> None:
        self.envelope = envelope
        self._begin(link, is_reused=is_reused)

    def _begin(self, link: Connection, *, is_reused: bool) -> None:
        envelope = self.envelope
        self.link: Connection | None = link
        self.result: SendResult | None = None
        self.is_reused = is_reused
        self._replies: list[SmtpReply] = []
        self._written = 0
        utf8 = envelope.utf8
        if utf8 and not (link.has_extn("smtputf8") and link.has_extn("8bitmime")):
            self.result = SendResult(SendStatus.REFUSED, "smtputf8")
        options = " BODY=8BITMIME SMTPUTF8" if utf8 else ""
        self._steps = [
            f"MAIL FROM:<{envelope.sender}>{options}",
            f"RCPT TO:<{envelope.recipient}>",
            "DATA",
        ]

    def begin_again(self, link: Connection) -> None:
        """Begin again over a new connection: the first one was closed before it was used."""
        self.drop()
        self._begin(link, is_reused=False)

    @property
    def has_more(self) -> bool:
        return self.result is None and self._written < len(self._steps)

    @property
    def is_ready(self) -> bool:
        """Whether all but the end of DATA has been sent."""
        return self.result is None and len(self._replies) == len(self._steps)

    def write(self) -> None:
        """Write the next command, or all where the server pipelines."""
        link = self._connection()
        last = len(self._steps) if link.has_extn("pipelining") else self._written + 1
        commands = self._steps[self._written : last]
        try:
            link.send_all("".join(f"{one}\r\n" for one in commands).encode())
        except (OSError, smtplib.SMTPException):
            self._lose(LOST)
        self._written = last
        link.expect_reply(TIMEOUT_S)

    def read(self, wait_s: float) -> None:
        """Read the replies to what was written; once all are good, send the message itself.

        The server has so many seconds for each reply, as RFC 5321 4.5.3.2 gives it.
        """
        if self.result is not None:
            return
        link = self._connection()
        try:
            for _ in range(self._written - len(self._replies)):
                link.expect_reply(wait_s)
                code, text = link.getreply()
                self._replies.append((code, text.decode("ascii", "replace")))
            link.expect_reply(None)
            self._go_on(link)
        except (OSError, smtplib.SMTPException):
            self._lose(self._last_word() or LOST)

    def end_data(self) -> None:
        """Send the end of DATA; from now on only the mail server can know."""
        link = self._connection()
        try:
            link.send_unless_closed(b".\r\n")
        except (OSError, smtplib.SMTPException):
            self._lose(LOST)  # what could not be sent was not received
        link.expect_reply(END_OF_DATA_TIMEOUT_S)

    def read_answer(self) -> None:
        """Read the answer to the end of DATA."""
        if self.result is not None:
            return
        link = self._connection()
        try:
            code, text = link.getreply()
        except (OSError, smtplib.SMTPException):
            self._lose(SendResult(SendStatus.UNKNOWN, "no_answer", FailureScope.SERVER))
            return
        link.expect_reply(None)
        if code == SERVER_CLOSES or not 200 <= code < 600:
            self.drop()
        answer = text.decode("ascii", "replace")
        is_taken = 200 <= code < 300
        self.result = (
            SendResult(SendStatus.SENT)
            if is_taken
            else result_of(Stage.END_OF_DATA, code, answer, self.envelope.recipient)
        )

    def drop(self) -> None:
        """Close the connection; within DATA there is no other way not to send the message."""
        if self.link:
            with contextlib.suppress(OSError):
                self.link.close()
        self.link = None

    def _last_word(self) -> SendResult | None:
        """Give what a server meant that says 421 and closes, before we read all replies."""
        at = len(self._replies) - 1
        if at < 0 or self._replies[at][0] != SERVER_CLOSES:
            return None
        return result_of(STAGES[at], *self._replies[at], self.envelope.recipient)

    def _connection(self) -> Connection:
        if self.link is None:
            raise RuntimeError("the connection of this message was dropped")
        return self.link

    def _lose(self, result: SendResult) -> None:
        self.drop()
        self.result = result

    def _go_on(self, link: Connection) -> None:
        bad = [at for at, (code, _) in enumerate(self._replies) if not _is_good(at, code)]
        if bad:
            at = bad[0]
            self.result = result_of(STAGES[at], *self._replies[at], self.envelope.recipient)
            self._reset(link, self._replies[at][0])
        elif len(self._replies) == len(self._steps):
            link.send_all(_dot_stuffed(self.envelope.data))

    def _reset(self, link: Connection, code: int) -> None:
        """Make the connection ready for another message, or drop it."""
        # A server that replies 354 all the same waits for data we do not want to send.
        if code != SERVER_CLOSES and self._replies[-1][0] != 354:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                link.expect_reply(RESET_S)
                if link.rset()[0] == 250:
                    link.expect_reply(None)
                    return
        self.drop()


def _is_good(at: int, code: int) -> bool:
    return code == 354 if STAGES[at] is Stage.DATA else code in {250, 251, 252}


def _dot_stuffed(data: bytes) -> bytes:
    """Double a dot at the start of a line (RFC 5321 4.5.2); the data ends in CRLF already."""
    stuffed = data.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed
