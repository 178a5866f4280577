"""Send the messages that are due, many over one connection."""

from datetime import datetime, timedelta

from trustsvc import clock, clock_check, config
from trustsvc.mail.message import MailTransport
from trustsvc.mail.outbox import due
from trustsvc.mail.outbox.lease import BATCH_SIZE
from trustsvc.mail.outbox.send import send
from trustsvc.mail.transport import open_transport
from trustsvc.storage import db, key_guard
from trustsvc.work_queue import job_queue, stop_request

MAX_DURATION = timedelta(minutes=2)
SHARED_BATCH_SIZE = 50  # with several mailers, so that each gets its share of what is due


def send_messages() -> None:
    """Send batch after batch while they are full; after two minutes enqueue the next job.

    A batch takes its start from the clock and goes on by the machine's own count of time. So a
    clock that is set meanwhile defers no message to a wrong day. While the clock is distrusted only
    what a person waits for leaves. Asked to stop, it finishes the message that is being sent and
    sends no other.
    """
    started = clock.read()
    settings = config.current()
    most = BATCH_SIZE if settings.mailers == 1 else SHARED_BATCH_SIZE
    with open_transport(settings.mail_url) as transport:
        while _send_batch(transport, most):
            if clock.read().uptime - started.uptime > MAX_DURATION:
                job_queue.enqueue_now("send_messages")
                return


def _stops(seconds: float) -> bool:
    """Wait, and say whether to send no other: asked to stop, or a key is missing here."""
    return stop_request.wait(seconds) or key_guard.problem() is not None


def _send_batch(transport: MailTransport, most: int) -> bool:
    began = clock.read()
    if not due.may_be_any(began.at):
        return False
    with db.reading() as session:  # before each batch: the clock may have jumped seconds ago
        is_distrusted = clock_check.problem(session, began) in clock_check.STOPS_MAIL

    def now() -> datetime:
        return began.at + (clock.read().uptime - began.uptime)

    return send(
        db.transaction,
        transport,
        now,
        only_unsuspendable=is_distrusted,
        wait=_stops,
        most=most,
    )
