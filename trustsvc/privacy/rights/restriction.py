"""Restrict: data is kept, but not used, shown or counted until the person lifts it (Art. 18)."""

from datetime import datetime

from sqlalchemy.orm import Session

from trustsvc.crypto.pseudonyms import registry_pseudonyms
from trustsvc.invitations.personal_data import lift_invitation_restriction, restrict_invitations
from trustsvc.orders.personal_data import lift_order_restriction
from trustsvc.privacy import request_log
from trustsvc.privacy.rights import people
from trustsvc.privacy.rights.confirmation import confirm
from trustsvc.privacy.rights.people import Person
from trustsvc.registry import restriction
from trustsvc.registry.personal_data import restricted_at
from trustsvc.reviews.personal_data import (
    AUTHOR,
    OTHERS,
    lift_review_restriction,
    restrict_reviews,
)
from trustsvc.storage.columns import EVERY_SHOP


def is_restricted(session: Session, person: Person) -> bool:
    """Say whether everything in question is restricted; one shop is not all shops."""
    at = _restricted_at(session, person)
    return EVERY_SHOP in at if person.everywhere else bool(at)


def restrict(session: Session, person: Person, now: datetime, by: str = "person") -> bool:
    """Restrict a person's data at the shops in question; False if it was. Confirmed by e-mail.

    The restriction that every lease reads is written first; then messages are held back and
    published reviews taken down, keeping their date; when somebody else than the person asks, they
    stay without name and city. Nothing is deleted meanwhile, also not by the purge.
    """
    person = people.lock(session, person)
    if is_restricted(session, person):
        return False
    for shop_id in sorted({*person.shop_ids, _scope_id(person)}):
        restriction.restrict(session, person.pseudonyms[shop_id], shop_id, now)
    restrict_invitations(session, person.orders)
    restrict_reviews(session, person.reviews, now, by=AUTHOR if by == "person" else OTHERS)
    request_log.record_answered(session, request_log.Right.RESTRICT, _scope_id(person), by, now)
    confirm(session, person, "restricted", now)
    return True


def lift(session: Session, person: Person, now: datetime, by: str = "person") -> bool:
    """End a restriction and go on where it began; False if there was none. Confirmed by e-mail.

    One for all shops ends at all of them, whichever shop's link is used: else data at the others
    would wait for ever.
    """
    at = _restricted_at(session, person)
    if not at:
        return False
    if EVERY_SHOP in at:
        person = people.everywhere(session, person)
    person = people.lock(session, person)
    restriction.lift(session, _pseudonyms(person), now)
    lift_invitation_restriction(session, person.orders, now)
    lift_order_restriction(session, person.orders)
    lift_review_restriction(session, person.reviews)
    request_log.record_answered(session, request_log.Right.LIFT, _scope_id(person), by, now)
    confirm(session, person, "lifted", now)
    return True


def _restricted_at(session: Session, person: Person) -> set[int]:
    """Give the shops with a restriction of this person, 0 for all."""
    return restricted_at(session, _pseudonyms(person))


def _pseudonyms(person: Person) -> frozenset[bytes]:
    """The pseudonyms at the shops and in the registry: a restriction for all shops counts too."""
    everywhere = registry_pseudonyms(person.address) if person.address else ()
    return person.all_pseudonyms | frozenset(everywhere)


def _scope_id(person: Person) -> int:
    return EVERY_SHOP if person.everywhere else person.shop_ids[0]
