"""Send the letters that answer somebody: confirmations, and links to one's own data."""

from datetime import timedelta

from trustsvc import clock, config
from trustsvc.mail.transport import open_transport
from trustsvc.storage import db
from trustsvc.transactional_mail.send import send
from trustsvc.work_queue import job_queue

LONGEST = timedelta(minutes=2)


def send_correspondence() -> None:
    """Send letter after letter while there are any; after two minutes a new bell goes on."""
    started = clock.now()
    with open_transport(config.current().mail_url) as postbox:
        while send(db.transaction, postbox, clock.now):
            if clock.now() - started > LONGEST:
                job_queue.enqueue_now("send_correspondence")
                return
