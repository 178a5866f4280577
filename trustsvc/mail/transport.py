"""Open the transport that TRUSTSVC_MAIL_URL names: SMTP (mail/smtp.py) or a maildir."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from trustsvc import config
from trustsvc.mail.maildir import MaildirTransport
from trustsvc.mail.message import MailTransport
from trustsvc.mail.smtp import SmtpTransport


def message_id(code: str) -> str:
    """Give the Message-ID, the same at each attempt, so that a copy is recognised (RFC 1047)."""
    host = urlsplit(config.current().base_url).hostname or ""
    return f"{code}@{host if host.isascii() and ':' not in host else 'localhost'}"


@contextmanager
def open_transport(url: str) -> Iterator[MailTransport]:
    """Open a transport that sends many messages over as few connections as the settings say.

    It connects at the first message.
    """
    settings = config.current()
    sender = settings.mail_from
    if is_maildir(url):
        yield MaildirTransport(url, sender)
        return
    transport = SmtpTransport(url, sender, settings.smtp_connections)
    try:
        yield transport
    finally:
        transport.close()


def server_name(url: str) -> str:
    """Give the host and port of a TRUSTSVC_MAIL_URL: never its user or password."""
    parts = urlsplit(url)
    return "maildir" if is_maildir(url) else f"{parts.hostname}:{parts.port or parts.scheme}"


def is_maildir(url: str) -> bool:
    return urlsplit(url).scheme == "maildir"
