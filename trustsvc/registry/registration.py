"""Register a buyer, and end a registration."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from trustsvc import clock
from trustsvc.crypto import pseudonyms, signed_links
from trustsvc.registry.models import registered_buyers
from trustsvc.storage import db, suppression_journal
from trustsvc.storage.columns import EVERY_SHOP
from trustsvc.storage.suppression_entries import JournalEntry


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """Proof of the first of two steps: language and moment of the request."""

    language: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ConsentProof:
    """Proof of consent, as shown to the registered person."""

    at: datetime
    consent_version: str
    language: str | None


def register(
    session: Session,
    email: str,
    consent_version: str,
    source: str,
    now: datetime,
    request: ConsentRequest | None = None,
) -> bool:
    """Store the pseudonym and the proof of consent of a buyer; gives whether the buyer is new.

    The caller has verified that the address is the buyer's own. Called twice, it changes nothing:
    the first proof stays. Raises NotAnAddress.
    """
    known = pseudonyms.registry_pseudonyms(email)
    if session.scalar(
        select(registered_buyers.c.pseudonym)
        .where(registered_buyers.c.pseudonym.in_(known))
        .limit(1)
    ):
        return False
    newest = known[-1]
    statement = db.insert(registered_buyers).values(
        pseudonym=newest,
        at=now,
        consent_version=consent_version,
        source=source,
        language=request.language if request else None,
        requested_at=request.at if request else None,
        link=signed_links.new_id(),
    )
    is_new = statement.on_conflict_do_nothing().returning(registered_buyers.c.pseudonym)
    return session.execute(is_new).first() is not None


def leave_link_id(session: Session, email: str) -> bytes:
    """Give the id of a registered buyer's link to leave; creates one if there is none."""
    mine = registered_buyers.c.pseudonym.in_(pseudonyms.registry_pseudonyms(email))
    known: bytes | None = session.scalar(select(registered_buyers.c.link).where(mine).limit(1))
    if known is None:
        known = signed_links.new_id()
        session.execute(update(registered_buyers).where(mine).values(link=known))
    return known


def consent_proof(session: Session, link: bytes) -> ConsentProof | None:
    """Read the proof of the registration that a link ends; None if it has ended."""
    table = registered_buyers.c
    row = session.execute(
        select(table.at, table.consent_version, table.language).where(table.link == link)
    ).first()
    return ConsentProof(*row) if row else None


def leave_by_link(session: Session, link: bytes, now: datetime) -> bool:
    """End a registration by its link; otherwise as `leave`."""
    return _delete(session, registered_buyers.c.link == link, now)


def leave(session: Session, email: str) -> bool:
    """End a registration, whichever key its pseudonym was made with; gives whether there was one.

    Safe to repeat. Appended to the suppression journal for restored backups. Raises NotAnAddress,
    and Unavailable when the journal cannot be written.
    """
    pseudonym = registered_buyers.c.pseudonym
    return _delete(session, pseudonym.in_(pseudonyms.registry_pseudonyms(email)), clock.now())


def _delete(session: Session, condition: ColumnElement[bool], now: datetime) -> bool:
    deleted = session.scalars(
        delete(registered_buyers).where(condition).returning(registered_buyers.c.pseudonym)
    ).all()
    suppression_journal.append(
        session,
        [JournalEntry("unregister", pseudonym, EVERY_SHOP, now, "left") for pseudonym in deleted],
    )
    return bool(deleted)
