"""The way out for letters: does the mail server answer, by TLS, and take our password."""

import contextlib
import os
import smtplib
import ssl
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from trustsvc import config
from trustsvc.config_values import is_loopback
from trustsvc.doctor.finding import Finding, fail, ok, warn

WHAT = "mail"
PATIENCE_S = 10.0


def mail_server() -> Finding:
    """Connect, say EHLO, STARTTLS and the password, as a letter would; sends none."""
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
        link = (
            smtplib.SMTP_SSL(host, port, timeout=PATIENCE_S, context=context)
            if tls
            else smtplib.SMTP(host, port, timeout=PATIENCE_S)
        )
        with contextlib.closing(link):
            link.ehlo_or_helo_if_needed()
            never = local and parse_qs(parts.query).get("starttls") == ["never"]
            if not tls and not never and link.has_extn("starttls"):
                link.starttls(context=context)
                link.ehlo()
            return _greeted(link, unquote(parts.username or ""), unquote(parts.password or ""))
    except ssl.SSLError:
        return fail(WHAT, "TLS cannot be agreed on", "has the server a valid certificate?")
    except (OSError, smtplib.SMTPException, UnicodeError):
        return fail(WHAT, "the mail server does not answer", "see TRUSTSVC_MAIL_URL; a firewall?")


def _greeted(link: smtplib.SMTP, user: str, password: str) -> Finding:
    local = is_loopback(urlsplit(config.current().mail_url).hostname or "")
    secure = isinstance(link.sock, ssl.SSLSocket)
    by = ", by TLS" if secure else ""
    if not user:
        if secure or local:
            return ok(WHAT, f"the mail server answers{by}")
        todo = "use smtps://, or a server that offers STARTTLS"
        return warn(WHAT, "letters would travel in clear", todo)
    if not (secure or local):
        return fail(WHAT, "it offers no TLS, so the password is not said", "use smtps://")
    if not link.has_extn("auth"):
        return fail(WHAT, "it takes no password here", "another port? 587 or 465 (smtps://)")
    try:
        link.login(user, password)
    except smtplib.SMTPException:
        return fail(WHAT, "it does not take the password", "see TRUSTSVC_MAIL_URL")
    return ok(WHAT, f"the mail server answers{by}, and takes the password")


def _maildir(place: Path) -> Finding:
    nearest = next((one for one in (place, *place.parents) if one.exists()), place)
    if not os.access(nearest, os.W_OK | os.X_OK):
        return fail(WHAT, "the maildir cannot be written", "give it to the user trustsvc runs as")
    if config.current().is_loopback:
        return ok(WHAT, "letters are kept in a maildir, and go nowhere")
    todo = "set TRUSTSVC_MAIL_URL to a mail server"
    return warn(WHAT, "letters are kept in a maildir, and reach nobody", todo)
