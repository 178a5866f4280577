"""Check of the mail server: does it answer, with TLS, and accept our password."""

import contextlib
import os
import smtplib
import ssl
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from trustsvc import config
from trustsvc.config_values import is_loopback
from trustsvc.doctor.finding import Finding, fail, ok, warn

CHECK = "mail"
TIMEOUT_S = 10.0


def mail_server() -> Finding:
    """Connect, EHLO, STARTTLS and log in, as sending would; sends no e-mail."""
    settings = config.current()
    parts = urlsplit(settings.mail_url)
    if parts.scheme == "maildir":
        return _maildir(Path(settings.mail_url.partition(":")[2]))
    host, local = parts.hostname or "", is_loopback(parts.hostname or "")
    tls = parts.scheme == "smtps"
    port = parts.port or (465 if tls else 587 if parts.username else 25)
    context = ssl.create_default_context()
    if local:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        connection = (
            smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=context)
            if tls
            else smtplib.SMTP(host, port, timeout=TIMEOUT_S)
        )
        with contextlib.closing(connection):
            connection.ehlo_or_helo_if_needed()
            never = local and parse_qs(parts.query).get("starttls") == ["never"]
            if not tls and not never and connection.has_extn("starttls"):
                connection.starttls(context=context)
                connection.ehlo()
            user, password = unquote(parts.username or ""), unquote(parts.password or "")
            return _log_in(connection, user, password, local=local)
    except ssl.SSLError:
        return fail(CHECK, "TLS cannot be negotiated", "is the server's certificate valid?")
    except (OSError, smtplib.SMTPException, UnicodeError):
        return fail(CHECK, "the mail server does not answer", "see TRUSTSVC_MAIL_URL; a firewall?")


def _log_in(connection: smtplib.SMTP, user: str, password: str, *, local: bool) -> Finding:
    secure = isinstance(connection.sock, ssl.SSLSocket)
    with_tls = ", with TLS" if secure else ""
    if not user:
        if secure or local:
            return ok(CHECK, f"the mail server answers{with_tls}")
        remedy = "use smtps://, or a server that offers STARTTLS"
        return warn(CHECK, "e-mails would travel unencrypted", remedy)
    if not (secure or local):
        return fail(CHECK, "it offers no TLS, so the password is not sent", "use smtps://")
    if not connection.has_extn("auth"):
        return fail(CHECK, "it accepts no password here", "another port? 587 or 465 (smtps://)")
    try:
        connection.login(user, password)
    except smtplib.SMTPException:
        return fail(CHECK, "it does not accept the password", "see TRUSTSVC_MAIL_URL")
    return ok(CHECK, f"the mail server answers{with_tls}, and accepts the password")


def _maildir(folder: Path) -> Finding:
    nearest = next((one for one in (folder, *folder.parents) if one.exists()), folder)
    if not os.access(nearest, os.W_OK | os.X_OK):
        remedy = "give it to the user trustsvc runs as"
        return fail(CHECK, "the maildir is not writable", remedy)
    if config.current().is_loopback:
        return ok(CHECK, "e-mails are kept in a maildir, and reach nobody")
    remedy = "set TRUSTSVC_MAIL_URL to a mail server"
    return warn(CHECK, "e-mails are kept in a maildir, and reach nobody", remedy)
