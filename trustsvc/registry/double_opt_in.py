"""Confirm a registration by the link of its letter: the second of two steps."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, or_, select, update
from sqlalchemy.orm import Session

from trustsvc.crypto import pseudonyms, signed_links
from trustsvc.errors import Gone
from trustsvc.registry import consent, registration
from trustsvc.registry.models import opt_outs, pending_registrations
from trustsvc.registry.opt_out import EVERY_SHOP
from trustsvc.transactional_mail import enqueue

LINK_LIFETIME = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class PendingRegistration:
    """A registration that was asked for. `stopped`: the person once told every shop to stop."""

    shop_id: int
    consent_version: str
    language: str
    requested_at: datetime
    confirmed: bool
    stopped: bool


def find_pending(session: Session, link: bytes, now: datetime) -> PendingRegistration:
    """Find what a link would confirm, and change nothing: scanners open links too.

    Raises Gone when it was never asked for, or its time is over.
    """
    return _pending(session, _row(session, _of(link), now))


def confirm(session: Session, link: bytes, now: datetime) -> PendingRegistration:
    """Register whoever asked: the mark and the proof stay, the address is forgotten.

    All requests of the same address are settled with it. Twice, or many at once, registers once and
    says the same; so does somebody who is registered already, whose first proof stays. A letter
    says that it is done and how to leave. An opt-out is not undone by it. Raises Gone.
    """
    _lock(session, link)
    row = _row(session, _of(link), now)
    if row.address is None:
        return _pending(session, row)
    before = _pending(session, row)
    asked = registration.ConsentRequest(row.language, row.requested_at)
    registration.register(session, row.address, row.consent_version, row.source, now, asked)
    consent.record(session, row.consent_version, row.language, now)
    way_out = registration.leave_link_id(session, row.address)
    note = enqueue.Note(
        kind="registered",
        language=row.language,
        address=row.address,
        shop_id=row.shop_id,
        facts={"stop": signed_links.url("leave", way_out)},
    )
    enqueue.write(session, note, now)
    session.execute(
        update(pending_registrations)
        .where(
            pending_registrations.c.address_pseudonym.in_(
                pseudonyms.shop_pseudonyms(enqueue.THE_SERVICE, row.address)
            )
        )
        .values(address=None, address_pseudonym=None, confirmed_at=now)
    )
    return PendingRegistration(
        before.shop_id,
        before.consent_version,
        before.language,
        before.requested_at,
        confirmed=True,
        stopped=before.stopped,
    )


def _lock(session: Session, link: bytes) -> None:
    """Lock all requests of the address in one order, so that two links at once do not deadlock."""
    theirs = (
        select(pending_registrations.c.address_pseudonym)
        .where(pending_registrations.c.link == link)
        .scalar_subquery()
    )
    mine = or_(
        pending_registrations.c.address_pseudonym == theirs, pending_registrations.c.link == link
    )
    ids = select(pending_registrations.c.id).where(mine).order_by(pending_registrations.c.id)
    session.execute(ids.with_for_update()).all()


def _of(link: bytes) -> Select[Any]:
    return select(pending_registrations).where(pending_registrations.c.link == link)


def _row(session: Session, wanted: Select[Any], now: datetime) -> Row[Any]:
    row = session.execute(wanted).first()
    if row is None or now >= row.requested_at + LINK_LIFETIME:
        raise Gone
    return row


def _pending(session: Session, row: Row[Any]) -> PendingRegistration:
    return PendingRegistration(
        row.shop_id,
        row.consent_version,
        row.language,
        row.requested_at,
        confirmed=row.address is None,
        stopped=row.address is not None and _stopped(session, row.address),
    )


def _stopped(session: Session, address: str) -> bool:
    marks = pseudonyms.registry_pseudonyms(address)
    everywhere = (opt_outs.c.pseudonym.in_(marks), opt_outs.c.shop_id == EVERY_SHOP)
    return (
        session.execute(select(opt_outs.c.pseudonym).where(*everywhere).limit(1)).first()
        is not None
    )
