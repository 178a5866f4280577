"""Open sessions with a mail server: connect, TLS, password."""

import contextlib
import smtplib
import ssl
from urllib.parse import parse_qs, unquote, urlsplit

from trustsvc.config_values import is_loopback
from trustsvc.mail.smtp_connection import TIMEOUT_S, Connection, PlainConnection, TlsConnection


class NoSession(Exception):
    """No session could be opened; the message is a code."""


class SmtpServer:
    """The mail server that a TRUSTSVC_MAIL_URL names."""

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._tls = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._tls else 587 if parts.username else 25)
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        self._local = is_loopback(self._host)
        self._never = self._local and parse_qs(parts.query).get("starttls") == ["never"]
        self._name = sender.rpartition("@")[2]

    def __repr__(self) -> str:
        return "SmtpServer(…)"

    def open_session(self) -> Connection:
        """Connect, and say who we are; raises NoSession."""
        if self._tls:
            context = _context(checked=not self._local)
            link: Connection = TlsConnection(
                local_hostname=self._name, timeout=TIMEOUT_S, context=context
            )
        else:
            link = PlainConnection(local_hostname=self._name, timeout=TIMEOUT_S)
        try:
            self._begin(link)
        except BaseException as error:
            with contextlib.suppress(OSError):
                link.close()
            if isinstance(error, ssl.SSLError):
                raise NoSession("no_tls") from None
            if isinstance(error, OSError | smtplib.SMTPException | UnicodeError):
                raise NoSession("no_connection") from None
            raise
        return link

    def _begin(self, link: Connection) -> None:
        # smtplib checks the certificate against this; it sets it only when given a host.
        link._host = self._host  # type: ignore[union-attr]  # noqa: SLF001
        code, _ = link.connect(self._host, self._port)
        if code != 220:
            raise NoSession("no_connection")
        link.disable_nagle()
        link.ehlo_or_helo_if_needed()
        if not self._tls and not self._never:
            self._start_tls(link)
        if self._user:
            self._log_in(link)

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
            raise NoSession("no_login") from None

    def _start_tls(self, link: Connection) -> None:
        if not link.has_extn("starttls"):
            if self._password and not self._local:
                raise NoSession("no_tls")
            return
        code, _ = link.starttls(context=_context(checked=not self._local))
        # Data received before TLS may not be from the authenticated server (CVE-2011-0411).
        if code != 220 or not link.has_no_unread_data():
            raise NoSession("no_tls")
        link.ehlo_or_helo_if_needed()


def _context(*, checked: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not checked:
        # Loopback cannot be tapped, and postfix often has a self-signed certificate.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
