"""Letters: what keeps them from leaving, which are in doubt, what came back about them."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from trustsvc import config
from trustsvc.doctor.finding import Finding, fail, ok, warn
from trustsvc.invitations.planning import volume_guard
from trustsvc.mail.feedback import complaint_rate
from trustsvc.mail.feedback.webhooks import endpoints
from trustsvc.mail.outbox import circuit_breaker, send_suspension, unknown_deliveries

LATELY = timedelta(days=7)


def letters(session: Session, now: datetime) -> list[Finding]:
    """Look at what keeps letters from leaving, and at what came back about them."""
    return [_sending(session), _left(session, now), _reports(session), _complaints(session, now)]


def _left(session: Session, now: datetime) -> Finding:
    """Look for a mail server that is left alone, paused shops, and letters nobody knows about."""
    what = "letters"
    paused = volume_guard.paused_shops(session)
    if paused:
        names = " ".join(shop.slug for shop in paused)
        todo = "look at its orders; if they are real: trustsvc mail resume SHOP"
        return fail(what, f"asked many more buyers than usual and is paused: {names}", todo)
    if circuit_breaker.left_alone(session, now):
        return warn(what, "the mail server failed and is left alone", "see the line on mail")
    number = unknown_deliveries.count(session, now - LATELY)
    if number:
        said = f"{number} of the last 7 days: nobody can know whether they arrived"
        return warn(what, said, "see /desk/sending, and TRUSTSVC_RESEND in the README")
    return ok(what, "none is in doubt, no shop is paused")


def _sending(session: Session) -> Finding:
    stops = send_suspension.stops(session)
    if not stops:
        return ok("sending", "letters leave")
    reason = ", ".join(sorted(set(stops.values())))
    todo = "trustsvc mail status; when sure: trustsvc mail resume " + " or ".join(sorted(stops))
    if send_suspension.RESTORE in stops:
        todo = "see Backup and keys in the README; when sure: trustsvc restore --sending-on"
    elif set(stops) == {send_suspension.CLOCK}:
        todo = "see the line of the clock"
    if stops.get(send_suspension.RESTORE) == "not_finished":
        todo = "a restore runs or broke off: if so, empty the database and restore again"
    return fail("sending", f"no letter leaves ({reason})", todo)


def _reports(session: Session) -> Finding:
    settings = config.current()
    if settings.mail_url.startswith("maildir:"):
        return ok("reports", "none are expected: letters are kept in a maildir")
    if settings.mail_return or endpoints.everyone(session):
        return ok("reports", "what comes back about letters has a way here")
    todo = "set TRUSTSVC_MAIL_RETURN, or trustsvc mail endpoint add (docs/BOUNCES.md)"
    return warn("reports", "nobody hears of bounces and complaints", todo)


def _complaints(session: Session, now: datetime) -> Finding:
    found = complaint_rate.rate(session, now)
    said = f"{found.complaints} of {found.letters} letters in 7 days"
    if found.is_alarming:
        todo = "ask fewer buyers, or later; from 0.3 % on (and three) letters stop"
        return warn("complaints", f"{said}: {100 * found.share:.2f} %, 0.1 % is too much", todo)
    return ok("complaints", said)
