"""Ask to be registered: a letter leaves with the link that confirms it. The first of two steps."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from trustsvc.crypto import pseudonyms, signed_links
from trustsvc.registry import consent
from trustsvc.registry.models import pending_registrations
from trustsvc.transactional_mail import enqueue


@dataclass(frozen=True, slots=True)
class RegistrationRequest:
    """Who wants to be registered, as far as whoever wrote the address may speak for it."""

    address: str = field(repr=False)
    shop_id: int
    language: str
    source: str  # card, review or page


def request_registration(session: Session, wish: RegistrationRequest, now: datetime) -> None:
    """Keep the address, sealed, for as long as it takes to confirm it, and write to it.

    The registry is not looked at, so neither the answer nor the time it takes can tell whether
    somebody is registered or opted out. Gives nothing back on purpose: an address that was written
    to too often today is not written to again, and nobody outside is told. Raises NotAnAddress.
    """
    link = signed_links.new_id()
    note = enqueue.Note(
        kind="register",
        language=wish.language,
        address=wish.address,
        shop_id=wish.shop_id,
        facts={"link": signed_links.url("register", link)},
    )
    if not enqueue.write(session, note, now):
        return
    session.execute(
        pending_registrations.insert().values(
            link=link,
            address=wish.address,
            address_pseudonym=pseudonyms.shop_pseudonym(enqueue.THE_SERVICE, wish.address),
            shop_id=wish.shop_id,
            consent_version=consent.VERSION,
            language=wish.language,
            source=wish.source,
            requested_at=now,
        )
    )
