"""Letters out of the house: SMTP with many letters over one connection, or a maildir.

What a letter is and what can become of it is in mail/message.py, the two ways out are in mail/smtp.py
and mail/maildir.py; rooms import this file only.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from trustsvc import config
from trustsvc.mail.maildir import MaildirTransport
from trustsvc.mail.message import (
    MailTransport,
)
from trustsvc.mail.smtp import SmtpTransport


def message_id(code: str) -> str:
    """Name a letter, alike at each try, so that a second copy could be told (RFC 1047)."""
    host = urlsplit(config.current().base_url).hostname or ""
    return f"{code}@{host if host.isascii() and ':' not in host else 'localhost'}"


@contextmanager
def open_transport(url: str) -> Iterator[MailTransport]:
    """Open the way out that TRUSTSVC_MAIL_URL names; one connection for as many letters as can be.

    Nothing is connected before the first letter.
    """
    sender = config.current().mail_from
    if is_maildir(url):
        yield MaildirTransport(url, sender)
        return
    postbox = SmtpTransport(url, sender)
    try:
        yield postbox
    finally:
        postbox.close()


def server_name(url: str) -> str:
    """Name the mail server behind a TRUSTSVC_MAIL_URL: never its user or password."""
    parts = urlsplit(url)
    return "maildir" if is_maildir(url) else f"{parts.hostname}:{parts.port or parts.scheme}"


def is_maildir(url: str) -> bool:
    return urlsplit(url).scheme == "maildir"
