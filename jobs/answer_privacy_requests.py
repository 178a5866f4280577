"""Answer the privacy requests of people and shops that are due."""

from trustsvc import clock
from trustsvc.privacy.rights.answer_requests import answer_next
from trustsvc.storage import db


def answer_privacy_requests() -> None:
    """Answer one after the other; two runs at once do no harm."""
    while answer_next(db.transaction, clock.now):
        pass
