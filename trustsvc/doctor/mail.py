"""Checks of outbound mail: what keeps e-mails from leaving, and what is reported about them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from trustsvc import config
from trustsvc.doctor.finding import Finding, fail, ok, warn
from trustsvc.invitations.planning import volume_guard
from trustsvc.mail.feedback import complaint_rate
from trustsvc.mail.feedback.webhooks import endpoints
from trustsvc.mail.outbox import circuit_breaker, relay_rate, send_suspension, unknown_deliveries

UNKNOWN_SINCE = timedelta(days=7)


def _suspensions(session: Session) -> list[Finding]:
    findings = []
    for name, reason in sorted(send_suspension.stops(session).items()):
        remedy = f"trustsvc mail status; when sure: trustsvc mail resume {name}"
        if reason == "not_finished":
            remedy = "a restore runs or broke off: if so, empty the database and restore again"
        elif name == send_suspension.RESTORE:
            remedy = "see the documentation on restore; when sure: trustsvc restore --sending-on"
        elif name == send_suspension.CLOCK:
            remedy = "see the line on the clock"
        findings.append(fail("sending", f"no invitation leaves ({reason})", remedy))
    return findings or [ok("sending", "no suspension")]


def _paused_shops(session: Session) -> Finding:
    paused = volume_guard.paused_shops(session)
    if not paused:
        return ok("paused shops", "none")
    names = " ".join(shop.slug for shop in paused)
    remedy = "look at its orders; if they are real: trustsvc mail resume SHOP"
    return fail("paused shops", f"many more invitations than usual: {names}", remedy)


def _circuit_breaker(session: Session, now: datetime) -> Finding:
    until = circuit_breaker.open_until(session, now)
    if not until:
        return ok("circuit breaker", "closed")
    detail = f"open until {until:%Y-%m-%dT%H:%M:%SZ}: the mail server fails"
    return warn("circuit breaker", detail, "see the line on mail")


def _relay_rate(session: Session, now: datetime) -> Finding:
    rate = relay_rate.per_minute(session, now)
    if rate is None:
        return ok("relay rate", "the mail server set no limit in a day")
    return ok("relay rate", f"the mail server takes about {rate} messages a minute (learnt)")


def _unknown_deliveries(session: Session, now: datetime) -> Finding:
    number = unknown_deliveries.count(session, now - UNKNOWN_SINCE)
    if not number:
        return ok("unknown deliveries", "none in 7 days")
    remedy = "see /desk/sending, and the setting TRUSTSVC_RESEND"
    return warn("unknown deliveries", f"{number} in 7 days: they may have arrived or not", remedy)


def _feedback(session: Session) -> Finding:
    settings = config.current()
    if settings.mail_url.startswith("maildir:"):
        return ok("reports", "none are expected: e-mails are kept in a maildir")
    if settings.mail_return or endpoints.all_endpoints(session):
        return ok("reports", "bounces and complaints are taken in")
    remedy = "set TRUSTSVC_MAIL_RETURN, or trustsvc mail endpoint add"
    return warn("reports", "bounces and complaints are not taken in", remedy)


def _complaints(session: Session, now: datetime) -> Finding:
    rate = complaint_rate.rate(session, now)
    detail = f"{rate.complaints} of {rate.messages} e-mails in 7 days"
    if rate.is_alarming:
        remedy = "ask fewer buyers, or later; from 0.3 % on (and three) sending is suspended"
        return warn("complaints", f"{detail}: {100 * rate.share:.2f} %, limit 0.1 %", remedy)
    return ok("complaints", detail)


CHECKS: Mapping[str, Callable[[Session, datetime], Sequence[Finding] | Finding]] = {
    "sending": lambda session, _: _suspensions(session),
    "paused shops": lambda session, _: _paused_shops(session),
    "circuit breaker": _circuit_breaker,
    "relay rate": _relay_rate,
    "unknown deliveries": _unknown_deliveries,
    "reports": lambda session, _: _feedback(session),
    "complaints": _complaints,
}
