"""Register a buyer, or let one leave."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from trustsvc import clock
from trustsvc.crypto import pseudonyms, signed_links
from trustsvc.registry.models import registered_buyers
from trustsvc.storage import db, suppression_journal


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """More of the proof: in which language, and when the first of the two steps was taken."""

    language: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ConsentProof:
    """What is kept of a registration, as its owner may see it."""

    at: datetime
    consent_version: str
    language: str | None


def register(
    session: Session,
    email: str,
    wording: str,
    source: str,
    now: datetime,
    asked: ConsentRequest | None = None,
) -> bool:
    """Write down that a buyer registered: the mark, and the proof of consent.

    Whoever calls has made sure that the address is the buyer's own. Twice changes nothing, so the
    first proof stays; gives whether the buyer is new. Raises NotAnAddress.
    """
    marks = pseudonyms.registry_pseudonyms(email)
    if session.scalar(
        select(registered_buyers.c.pseudonym)
        .where(registered_buyers.c.pseudonym.in_(marks))
        .limit(1)
    ):
        return False
    newest = marks[-1]
    statement = db.insert(registered_buyers).values(
        pseudonym=newest,
        at=now,
        consent_version=wording,
        source=source,
        language=asked.language if asked else None,
        requested_at=asked.at if asked else None,
        link=signed_links.new_id(),
    )
    is_new = statement.on_conflict_do_nothing().returning(registered_buyers.c.pseudonym)
    return session.execute(is_new).first() is not None


def leave_link_id(session: Session, email: str) -> bytes:
    """Give the id of a registered buyer's link to leave by; make it where there is none."""
    mine = registered_buyers.c.pseudonym.in_(pseudonyms.registry_pseudonyms(email))
    known: bytes | None = session.scalar(select(registered_buyers.c.link).where(mine).limit(1))
    if known is None:
        known = signed_links.new_id()
        session.execute(update(registered_buyers).where(mine).values(link=known))
    return known


def consent_proof(session: Session, link: bytes) -> ConsentProof | None:
    """Read the registration that a link leaves; None where there is none any more."""
    table = registered_buyers.c
    row = session.execute(
        select(table.at, table.consent_version, table.language).where(table.link == link)
    ).first()
    return ConsentProof(*row) if row else None


def leave_by_link(session: Session, link: bytes, now: datetime) -> bool:
    """Forget a registration by its own link; twice does no harm. As `leave` in all else."""
    mine = (
        delete(registered_buyers)
        .where(registered_buyers.c.link == link)
        .returning(registered_buyers.c.pseudonym)
    )
    gone = session.scalars(mine).all()
    suppression_journal.append(
        [suppression_journal.JournalEntry("unregister", mark, 0, now, "left") for mark in gone]
    )
    return bool(gone)


def leave(session: Session, email: str) -> bool:
    """Forget a registration, whichever key its mark was made with; twice does no harm.

    Gives whether there was one. A restored backup knows of it from the file of suppressions. Raises
    NotAnAddress, and Unavailable when that file cannot be written.
    """
    marks = pseudonyms.registry_pseudonyms(email)
    gone = session.scalars(
        delete(registered_buyers)
        .where(registered_buyers.c.pseudonym.in_(marks))
        .returning(registered_buyers.c.pseudonym)
    ).all()
    now = clock.now()
    suppression_journal.append(
        [suppression_journal.JournalEntry("unregister", mark, 0, now, "left") for mark in gone]
    )
    return bool(gone)
