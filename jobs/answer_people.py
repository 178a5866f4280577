"""Answer what people and shops asked about personal data."""

from trustsvc import clock, db
from trustsvc.privacy.rights.answer import answer


def answer_people() -> None:
    """Answer one after the other while any is due; twice at once does no harm."""
    more = True
    while more:
        more = answer(db.transaction, clock.now)
