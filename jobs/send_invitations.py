"""Send the letters that are due, many over one connection."""

from datetime import datetime, timedelta

from trustsvc import clock, config, db, pace, queueing
from trustsvc.invitations.due import MOST
from trustsvc.invitations.send import send
from trustsvc.mail import open_postbox

LONGEST = timedelta(minutes=2)


def send_invitations() -> None:
    """Send batch after batch while they are full; after two minutes a new bell goes on."""
    started = clock.now()
    with open_postbox(config.current().mail_url) as postbox:
        while _clock_is_right() and send(db.transaction, postbox, _moment) == MOST:
            if clock.now() - started > LONGEST:
                queueing.send("send_invitations")
                return


def _moment() -> datetime:
    # A jump within a round must not write down leases, or waits, that end in years.
    return pace.moment(clock.read())


def _clock_is_right() -> bool:
    # Asked before each batch: a jump may be seconds old, and nothing may leave before its day.
    with db.reading() as session:
        return pace.doubt(session, clock.read()) not in pace.HOLDS
