"""Letters to a mail server: many over one connection, and after each dot a known answer.

A thin client over smtplib's primitives, which wait without end for a server that says one letter a
second, cannot pipeline, and say the final dot before anybody could write down that it is coming.
"""

import contextlib
import smtplib
import ssl
from collections.abc import Callable
from urllib.parse import parse_qs, unquote, urlsplit

from trustsvc.config_values import is_loopback
from trustsvc.mail import message
from trustsvc.mail.message import DeliveryResult, DeliveryStatus, Envelope, FailureScope, Message
from trustsvc.mail.smtp_connection import TIMEOUT_S, Connection, PlainConnection, TlsConnection
from trustsvc.mail.smtp_reply import result_of

END_OF_DATA_TIMEOUT_S = 600.0  # RFC 5321 4.5.3.2.6

Reply = tuple[int, str]


class _Away(Exception):
    """There is no session to be had; the message is a code."""


class SmtpTransport:
    """A postbox at a mail server; connects at the first letter, and once again where it was cut."""

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
        return "Smtp(…)"

    def send(self, letter: Message, before_end_of_data: Callable[[], None]) -> DeliveryResult:
        try:
            envelope = message.to_bytes(letter, self._sender)
        except message.UnwritableMessage as problem:
            return DeliveryResult(DeliveryStatus.REFUSED, str(problem))
        # An idle connection may have been closed long ago: then connect once more.
        patient = self._link is not None

        def dot() -> None:
            nonlocal patient
            before_end_of_data()
            patient = False

        try:
            outcome = self._post(envelope, dot)
            if patient and outcome.reason in {"connection_lost", "smtp_421"}:
                outcome = self._post(envelope, dot)
        except BaseException:
            self._drop()  # in the middle of a letter there is no other way not to send it
            raise
        return outcome

    def close(self) -> None:
        if self._link:
            self._link.patience = 5.0
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self._link.quit()
        self._drop()

    def _post(self, envelope: Envelope, before_end_of_data: Callable[[], None]) -> DeliveryResult:
        try:
            link = self._connected()
            refusal = self._say_everything(link, envelope)
        except _Away as problem:
            self._drop()
            return DeliveryResult(DeliveryStatus.DEFERRED, str(problem), FailureScope.SERVER)
        except (OSError, smtplib.SMTPException):
            self._drop()
            return DeliveryResult(DeliveryStatus.DEFERRED, "connection_lost", FailureScope.SERVER)
        if refusal:
            return refusal
        before_end_of_data()
        return self._dot(link)

    def _say_everything(self, link: Connection, envelope: Envelope) -> DeliveryResult | None:
        """Say all but the dot; gives the refusal, if there is one."""
        utf8 = envelope.utf8
        if utf8 and not (link.has_extn("smtputf8") and link.has_extn("8bitmime")):
            return DeliveryResult(DeliveryStatus.REFUSED, "smtputf8")
        options = " BODY=8BITMIME SMTPUTF8" if utf8 else ""
        steps = [
            f"MAIL FROM:<{envelope.sender}>{options}",
            f"RCPT TO:<{envelope.recipient}>",
            "DATA",
        ]
        pipelined = link.has_extn("pipelining")
        if pipelined:
            link.say("".join(f"{step}\r\n" for step in steps).encode())
        answers: list[Reply] = []
        for number, step in enumerate(steps):
            if not pipelined:
                link.say(f"{step}\r\n".encode())
            code, said = link.getreply()
            answers.append((code, said.decode("ascii", "replace")))
            good = code == 354 if number == 2 else 200 <= code < 300
            if not good and not pipelined:
                break
        bad = [at for at, (code, _) in enumerate(answers) if code not in {250, 251, 252, 354}]
        if not bad and len(answers) == len(steps) and answers[2][0] == 354:
            link.say(_stuffed(envelope.data))
            return None
        return self._refused(link, answers, bad[0] if bad else 2)

    def _refused(self, link: Connection, answers: list[Reply], at: int) -> DeliveryResult:
        code, said = answers[at]
        outcome = result_of(code, said)
        if at == 0:
            # Our own address or session is refused: nothing is wrong with the buyer's.
            problem = f"smtp_{code}" if code > 0 else outcome.reason
            outcome = DeliveryResult(DeliveryStatus.DEFERRED, problem, FailureScope.SERVER)
        # A server that says 354 all the same waits for a letter we do not want to say.
        if code == 421 or answers[-1][0] == 354:
            self._drop()
        else:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                if link.rset()[0] == 250:
                    return outcome
            self._drop()
        return outcome

    def _dot(self, link: Connection) -> DeliveryResult:
        try:
            link.say_unless_gone(b".\r\n")
        except (OSError, smtplib.SMTPException):
            self._drop()  # what could not be said was not heard
            return DeliveryResult(DeliveryStatus.DEFERRED, "connection_lost", FailureScope.SERVER)
        try:
            link.patience = END_OF_DATA_TIMEOUT_S
            code, said = link.getreply()
        except (OSError, smtplib.SMTPException):
            self._drop()
            return DeliveryResult(DeliveryStatus.UNKNOWN, "no_answer", FailureScope.SERVER)
        link.patience = TIMEOUT_S
        if code == 421 or not 200 <= code < 600:
            self._drop()
        if 200 <= code < 300:
            return DeliveryResult(DeliveryStatus.SENT)
        return result_of(code, said.decode("ascii", "replace"), after_dot=True)

    def _connected(self) -> Connection:
        if self._link is None:
            try:
                self._link = self._connect()
            except ssl.SSLError:
                raise _Away("no_tls") from None
            except (OSError, smtplib.SMTPException, UnicodeError):
                raise _Away("no_connection") from None
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
        # What smtplib checks the certificate against; it is only set where the host is an argument.
        link._host = self._host  # type: ignore[union-attr]  # noqa: SLF001
        code, _ = link.connect(self._host, self._port)
        if code != 220:
            raise _Away("no_connection")
        link.hurry()
        link.ehlo_or_helo_if_needed()
        if not self._tls and not self._never:
            self._start_tls(link)
        if self._user:
            self._log_in(link)
        return link

    def _log_in(self, link: Connection) -> None:
        """Say the password once: smtplib's login tries each way, and servers count failures."""
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
            raise _Away("no_login") from None

    def _start_tls(self, link: Connection) -> None:
        if not link.has_extn("starttls"):
            if self._password and not self._local:
                raise _Away("no_tls")
            return
        code, _ = link.starttls(context=_context(checked=not self._local))
        # What was said before TLS began cannot be from the server we now know (CVE-2011-0411).
        if code != 220 or not link.nothing_unread():
            raise _Away("no_tls")
        link.ehlo_or_helo_if_needed()

    def _drop(self) -> None:
        if self._link:
            with contextlib.suppress(OSError):
                self._link.close()
        self._link = None


def _context(*, checked: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not checked:
        # On loopback there is no wire to listen at, and postfix often has a certificate of its own.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _stuffed(data: bytes) -> bytes:
    """Double a dot at the start of a line (RFC 5321 4.5.2); the data ends in CRLF already."""
    stuffed = data.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed
