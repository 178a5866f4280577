"""Answer what people and shops asked about personal data."""

from trustsvc import clock
from trustsvc.privacy.rights.answer_requests import answer_next
from trustsvc.storage import db


def answer_privacy_requests() -> None:
    """Answer one after the other while any is due; twice at once does no harm."""
    more = True
    while more:
        more = answer_next(db.transaction, clock.now)
