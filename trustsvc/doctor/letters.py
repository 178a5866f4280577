"""Letters that wait or are in doubt."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from trustsvc.doctor.finding import Finding, fail, ok, warn
from trustsvc.invitations import brake, doubtful, trip

LATELY = timedelta(days=7)


def letters(session: Session, now: datetime) -> Finding:
    """Look for a mail server that is left alone, paused shops, and letters nobody knows about."""
    what = "letters"
    paused = brake.who_waits(session)
    if paused:
        names = " ".join(shop.slug for shop in paused)
        todo = "look at its orders; if they are real: trustsvc sending go-on SHOP"
        return fail(what, f"asked many more buyers than usual and is paused: {names}", todo)
    if trip.left_alone(session, now):
        return warn(what, "the mail server failed and is left alone", "see the line on mail")
    number = doubtful.count(session, now - LATELY)
    if number:
        said = f"{number} of the last 7 days: nobody can know whether they arrived"
        return warn(what, said, "see /desk/sending, and TRUSTSVC_RESEND in the README")
    return ok(what, "none is in doubt, no shop is paused")
