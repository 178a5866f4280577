"""Register in two steps: a request mails a link to the address, the link confirms it.

The consent texts are in templates/words/<language>/register.toml and never change: a new text is a
new version beside the old one. The text that was agreed to is copied into the database.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, or_, select, update
from sqlalchemy.orm import Session

from trustsvc import i18n
from trustsvc.crypto import pseudonyms, signed_links
from trustsvc.crypto.id_hashes import id_hash, id_hashes
from trustsvc.errors import Gone, TooMany
from trustsvc.registry import registration
from trustsvc.registry.models import consent_texts, opt_outs, pending_registrations
from trustsvc.storage import db
from trustsvc.storage.columns import EVERY_SHOP
from trustsvc.transactional_mail import enqueue, hourly_limit

CONSENT_VERSION = "registration-1"
CONFIRMATION_LINK_LIFETIME = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class RegistrationRequest:
    """An address to register. Whoever typed it may not own it, so nothing is proven yet."""

    address: str = field(repr=False)
    shop_id: int
    language: str
    source: str  # card, review or page
    network: bytes | None = field(default=None, repr=False)  # keyed hash of who typed it


@dataclass(frozen=True, slots=True)
class PendingRegistration:
    """A requested registration. `stopped`: the person has opted out at every shop."""

    shop_id: int
    consent_version: str
    language: str
    requested_at: datetime
    confirmed: bool
    stopped: bool


def consent_text(version: str, language: str) -> str:
    return i18n.translate(f"register.consent.{version}", language)


def enforce_hourly_limit(session: Session, request: RegistrationRequest, now: datetime) -> None:
    """Raise TooMany while strangers could have us write to too many mailboxes.

    For the page that takes any address; whoever wrote a review has shown that it is read.
    """
    if hourly_limit.is_reached(
        session, "register", now, shop_id=request.shop_id, network=request.network
    ):
        raise TooMany


def request_registration(session: Session, request: RegistrationRequest, now: datetime) -> None:
    """Store the address, encrypted, until it is confirmed or expires, and mail it the link.

    Does not read the registry, so neither the answer nor its timing tells who is registered or
    opted out. Returns nothing for the same reason: an address over its daily limit of messages gets
    none, and the caller cannot tell. Raises NotAnAddress.
    """
    link = signed_links.new_id()
    message = enqueue.TransactionalMessage(
        template="register",
        language=request.language,
        address=request.address,
        shop_id=request.shop_id,
        facts={"link": signed_links.url("register", link)},
        network=request.network,
    )
    if not enqueue.write(session, message, now):
        return
    session.execute(
        pending_registrations.insert().values(
            link_hash=id_hash(link),
            address=request.address,
            address_pseudonym=pseudonyms.shop_pseudonym(enqueue.THE_SERVICE, request.address),
            shop_id=request.shop_id,
            consent_version=CONSENT_VERSION,
            language=request.language,
            source=request.source,
            requested_at=now,
        )
    )


def find_pending(session: Session, link: bytes, now: datetime) -> PendingRegistration:
    """Find what a link would confirm. Changes nothing, because mail scanners open links too.

    Raises Gone when the link is unknown or expired.
    """
    return _pending(session, _row(session, link, now))


def confirm(session: Session, link: bytes, now: datetime) -> PendingRegistration:
    """Register the address of a link: pseudonym and proof of consent stay, the address is erased.

    Settles all requests of the same address. Called twice or concurrently, it registers once and
    gives the same result; somebody already registered keeps the first proof. A message confirms the
    registration and says how to leave. An opt-out stays in force. Raises Gone.
    """
    _lock(session, link)
    row = _row(session, link, now)
    before = _pending(session, row)
    if row.address is None:
        return before
    request = registration.ConsentRequest(row.language, row.requested_at)
    registration.register(session, row.address, row.consent_version, row.source, now, request)
    _record_consent_text(session, row.consent_version, row.language, now)
    leave_link = registration.leave_link_id(session, row.address)
    message = enqueue.TransactionalMessage(
        template="registered",
        language=row.language,
        address=row.address,
        shop_id=row.shop_id,
        facts={"stop": signed_links.url("leave", leave_link)},
    )
    enqueue.write(session, message, now)
    session.execute(
        update(pending_registrations)
        .where(
            pending_registrations.c.address_pseudonym.in_(
                pseudonyms.shop_pseudonyms(enqueue.THE_SERVICE, row.address)
            )
        )
        .values(address=None, address_pseudonym=None, confirmed_at=now)
    )
    return replace(before, confirmed=True)


def _record_consent_text(session: Session, version: str, language: str, now: datetime) -> None:
    """Store the text of a version as first agreed to; later calls change nothing."""
    row = {
        "version": version,
        "language": language,
        "text": consent_text(version, language),
        "at": now,
    }
    session.execute(db.insert(consent_texts).values(row).on_conflict_do_nothing())


def _lock(session: Session, link: bytes) -> None:
    """Lock all requests of the address in id order, so that two links at once do not deadlock."""
    table = pending_registrations.c
    pseudonym = select(table.address_pseudonym).where(_is_of(link)).scalar_subquery()
    same_address = or_(table.address_pseudonym == pseudonym, _is_of(link))
    ids = select(table.id).where(same_address).order_by(table.id)
    session.execute(ids.with_for_update()).all()


def _is_of(link: bytes) -> ColumnElement[bool]:
    return pending_registrations.c.link_hash.in_(id_hashes(link))


def _row(session: Session, link: bytes, now: datetime) -> Row[Any]:
    row = session.execute(select(pending_registrations).where(_is_of(link))).first()
    if row is None or now >= row.requested_at + CONFIRMATION_LINK_LIFETIME:
        raise Gone
    return row


def _pending(session: Session, row: Row[Any]) -> PendingRegistration:
    return PendingRegistration(
        row.shop_id,
        row.consent_version,
        row.language,
        row.requested_at,
        confirmed=row.address is None,
        stopped=row.address is not None and _has_opted_out(session, row.address),
    )


def _has_opted_out(session: Session, address: str) -> bool:
    entry = select(opt_outs.c.pseudonym).where(
        opt_outs.c.pseudonym.in_(pseudonyms.registry_pseudonyms(address)),
        opt_outs.c.shop_id == EVERY_SHOP,
    )
    return session.execute(entry.limit(1)).first() is not None
