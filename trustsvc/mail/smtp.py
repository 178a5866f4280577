"""Send many messages to a mail server over one connection.

A thin client over smtplib's primitives. smtplib itself waits without end for a server that sends
one byte a second. It cannot pipeline, and it sends the end of DATA before the caller could record
it.
"""

import contextlib
import smtplib
import ssl
from collections.abc import Callable
from urllib.parse import parse_qs, unquote, urlsplit

from trustsvc.config_values import is_loopback
from trustsvc.mail.message import (
    Envelope,
    FailureScope,
    Message,
    SendResult,
    SendStatus,
    UnwritableMessage,
    to_bytes,
)
from trustsvc.mail.smtp_connection import TIMEOUT_S, Connection, PlainConnection, TlsConnection
from trustsvc.mail.smtp_reply import Stage, result_of

END_OF_DATA_TIMEOUT_S = 600.0  # RFC 5321 4.5.3.2.6

STAGES = (Stage.MAIL, Stage.RCPT, Stage.DATA)

SmtpReply = tuple[int, str]


class _NoSession(Exception):
    """No session could be opened; the message is a code."""


class SmtpTransport:
    """Sends over SMTP; connects at the first message, and once again after a lost connection."""

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._tls = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._tls else 587 if parts.username else 25)
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        self._local = is_loopback(self._host)
        self._never = self._local and parse_qs(parts.query).get("starttls") == ["never"]
        self._sender = sender
        self._link: Connection | None = None

    def __repr__(self) -> str:
        return "SmtpTransport(…)"

    def send(self, message: Message, before_end_of_data: Callable[[], None]) -> SendResult:
        try:
            envelope = to_bytes(message, self._sender)
        except UnwritableMessage as error:
            return SendResult(SendStatus.REFUSED, str(error))
        # An idle connection may have been closed long ago: then reconnect once.
        may_reconnect = self._link is not None

        def end_of_data() -> None:
            nonlocal may_reconnect
            before_end_of_data()
            may_reconnect = False

        try:
            outcome = self._send(envelope, end_of_data)
            if may_reconnect and outcome.reason in {"connection_lost", "smtp_421"}:
                outcome = self._send(envelope, end_of_data)
        except BaseException:
            self._drop()  # within DATA there is no other way not to send it
            raise
        return outcome

    def close(self) -> None:
        if self._link:
            self._link.reply_timeout_s = 5.0
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self._link.quit()
        self._drop()

    def _send(self, envelope: Envelope, before_end_of_data: Callable[[], None]) -> SendResult:
        try:
            link = self._connected()
            refusal = self._transmit(link, envelope)
        except _NoSession as error:
            self._drop()
            return SendResult(SendStatus.DEFERRED, str(error), FailureScope.SERVER)
        except (OSError, smtplib.SMTPException):
            self._drop()
            return SendResult(SendStatus.DEFERRED, "connection_lost", FailureScope.SERVER)
        if refusal:
            return refusal
        before_end_of_data()
        return self._end_data(link, envelope.recipient)

    def _transmit(self, link: Connection, envelope: Envelope) -> SendResult | None:
        """Send all but the end of DATA; gives the refusal, if there is one."""
        utf8 = envelope.utf8
        if utf8 and not (link.has_extn("smtputf8") and link.has_extn("8bitmime")):
            return SendResult(SendStatus.REFUSED, "smtputf8")
        options = " BODY=8BITMIME SMTPUTF8" if utf8 else ""
        steps = [
            f"MAIL FROM:<{envelope.sender}>{options}",
            f"RCPT TO:<{envelope.recipient}>",
            "DATA",
        ]
        pipelined = link.has_extn("pipelining")
        if pipelined:
            link.send_all("".join(f"{step}\r\n" for step in steps).encode())
        replies: list[SmtpReply] = []
        for number, step in enumerate(steps):
            if not pipelined:
                link.send_all(f"{step}\r\n".encode())
            code, text = link.getreply()
            replies.append((code, text.decode("ascii", "replace")))
            good = code == 354 if number == 2 else 200 <= code < 300
            if not good and not pipelined:
                break
        bad = [at for at, (code, _) in enumerate(replies) if code not in {250, 251, 252, 354}]
        if not bad and len(replies) == len(steps) and replies[2][0] == 354:
            link.send_all(_dot_stuffed(envelope.data))
            return None
        at = bad[0] if bad else 2
        outcome = result_of(STAGES[at], *replies[at], envelope.recipient)
        return self._refused(link, replies, replies[at][0], outcome)

    def _refused(
        self, link: Connection, replies: list[SmtpReply], code: int, outcome: SendResult
    ) -> SendResult:
        # A server that replies 354 all the same waits for data we do not want to send.
        if code == 421 or replies[-1][0] == 354:
            self._drop()
        else:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                if link.rset()[0] == 250:
                    return outcome
            self._drop()
        return outcome

    def _end_data(self, link: Connection, recipient: str) -> SendResult:
        try:
            link.send_unless_closed(b".\r\n")
        except (OSError, smtplib.SMTPException):
            self._drop()  # what could not be sent was not received
            return SendResult(SendStatus.DEFERRED, "connection_lost", FailureScope.SERVER)
        try:
            link.reply_timeout_s = END_OF_DATA_TIMEOUT_S
            code, text = link.getreply()
        except (OSError, smtplib.SMTPException):
            self._drop()
            return SendResult(SendStatus.UNKNOWN, "no_answer", FailureScope.SERVER)
        link.reply_timeout_s = TIMEOUT_S
        if code == 421 or not 200 <= code < 600:
            self._drop()
        if 200 <= code < 300:
            return SendResult(SendStatus.SENT)
        return result_of(Stage.END_OF_DATA, code, text.decode("ascii", "replace"), recipient)

    def _connected(self) -> Connection:
        if self._link is None:
            try:
                self._link = self._connect()
            except ssl.SSLError:
                raise _NoSession("no_tls") from None
            except (OSError, smtplib.SMTPException, UnicodeError):
                raise _NoSession("no_connection") from None
        return self._link

    def _connect(self) -> Connection:
        name = self._sender.rpartition("@")[2]
        if self._tls:
            context = _context(checked=not self._local)
            link: Connection = TlsConnection(
                local_hostname=name, timeout=TIMEOUT_S, context=context
            )
        else:
            link = PlainConnection(local_hostname=name, timeout=TIMEOUT_S)
        self._link = link
        # smtplib checks the certificate against this; it sets it only when given a host.
        link._host = self._host  # type: ignore[union-attr]  # noqa: SLF001
        code, _ = link.connect(self._host, self._port)
        if code != 220:
            raise _NoSession("no_connection")
        link.disable_nagle()
        link.ehlo_or_helo_if_needed()
        if not self._tls and not self._never:
            self._start_tls(link)
        if self._user:
            self._log_in(link)
        return link

    def _log_in(self, link: Connection) -> None:
        """Send the password once: smtplib tries each mechanism, and servers count failures."""
        link.user, link.password = self._user, self._password
        plain = "PLAIN" in link.esmtp_features.get("auth", "").upper().split()
        try:
            if plain:
                link.auth("PLAIN", link.auth_plain)
            else:
                link.login(self._user, self._password)
        except smtplib.SMTPServerDisconnected:
            raise
        except smtplib.SMTPException:
            raise _NoSession("no_login") from None

    def _start_tls(self, link: Connection) -> None:
        if not link.has_extn("starttls"):
            if self._password and not self._local:
                raise _NoSession("no_tls")
            return
        code, _ = link.starttls(context=_context(checked=not self._local))
        # Data received before TLS may not be from the authenticated server (CVE-2011-0411).
        if code != 220 or not link.has_no_unread_data():
            raise _NoSession("no_tls")
        link.ehlo_or_helo_if_needed()

    def _drop(self) -> None:
        if self._link:
            with contextlib.suppress(OSError):
                self._link.close()
        self._link = None


def _context(*, checked: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not checked:
        # Loopback cannot be tapped, and postfix often has a self-signed certificate.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _dot_stuffed(data: bytes) -> bytes:
    """Double a dot at the start of a line (RFC 5321 4.5.2); the data ends in CRLF already."""
    stuffed = data.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed
