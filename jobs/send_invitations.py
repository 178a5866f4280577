"""Send the letters that are due, many over one connection."""

from collections.abc import Callable
from datetime import datetime, timedelta

from trustsvc import clock, clock_check, config
from trustsvc.mail.outbox.lease import MOST
from trustsvc.mail.outbox.send import send
from trustsvc.mail.transport import open_transport
from trustsvc.storage import db
from trustsvc.work_queue import job_queue

LONGEST = timedelta(minutes=2)


def send_invitations() -> None:
    """Send batch after batch while they are full; after two minutes a new bell goes on.

    A batch begins at the time on the wall and goes on by the machine's own count: a clock that is
    set in the middle of it puts no letter off to a day that is not, and ends no invitation.
    """
    started = clock.read()
    with open_transport(config.current().mail_url) as postbox:
        while (now := _right_time()) and send(db.transaction, postbox, now) == MOST:
            if clock.read().uptime - started.uptime > LONGEST:
                job_queue.enqueue_now("send_invitations")
                return


def _right_time() -> Callable[[], datetime] | None:
    # Asked before each batch: a jump may be seconds old, and nothing may leave before its day.
    began = clock.read()
    with db.reading() as session:
        if clock_check.problem(session, began) in clock_check.STOPS_MAIL:
            return None
    return lambda: began.at + (clock.read().uptime - began.uptime)
