"""Restrict: kept, and neither sent nor shown nor counted until the person lifts it (Art. 18)."""

from datetime import datetime

from sqlalchemy.orm import Session

from trustsvc.crypto.pseudonyms import registry_pseudonyms
from trustsvc.invitations.personal_data import lift_invitation_restriction, restrict_invitations
from trustsvc.orders.personal_data import lift_order_restriction
from trustsvc.privacy import request_log
from trustsvc.privacy.rights import people
from trustsvc.privacy.rights.confirmation import confirm
from trustsvc.privacy.rights.people import EVERY_SHOP, Person
from trustsvc.registry import restriction
from trustsvc.registry.personal_data import export_registry
from trustsvc.reviews.personal_data import lift_review_restriction, restrict_reviews


def is_restricted(session: Session, person: Person) -> bool:
    """Say whether everything this is about is restricted; at one shop is not yet at all."""
    at = _restricted_at(session, person)
    return EVERY_SHOP in at if person.everywhere else bool(at)


def restrict(session: Session, person: Person, now: datetime, by: str = "person") -> bool:
    """Freeze a person's data at the shops this is about; confirmed by letter. False: it was.

    First the mark that the next lease reads, then what waits: letters are held back, public lines
    taken down with their date kept. Nothing is deleted meanwhile, by the purge neither.
    """
    person = people.lock(session, person)
    if is_restricted(session, person):
        return False
    for shop_id in sorted({*person.shop_ids, _place(person)}):
        restriction.restrict(session, person.marks[shop_id], shop_id, now)
    restrict_invitations(session, person.orders)
    restrict_reviews(session, person.reviews, now)
    request_log.record_answered(session, "restrict", _place(person), by, now)
    confirm(session, person, "restricted", now)
    return True


def lift(session: Session, person: Person, now: datetime, by: str = "person") -> bool:
    """Go on where the restriction began; confirmed by letter. False when there was none.

    One at all shops ends at all of them, from whichever shop's letter it is lifted: else what waits
    at the others would wait for ever.
    """
    at = _restricted_at(session, person)
    if not at:
        return False
    if EVERY_SHOP in at:
        person = people.everywhere(session, person)
    person = people.lock(session, person)
    restriction.lift(session, _marks(person), now)
    lift_invitation_restriction(session, person.orders, now)
    lift_order_restriction(session, person.orders)
    lift_review_restriction(session, person.reviews)
    request_log.record_answered(session, "lift", _place(person), by, now)
    confirm(session, person, "lifted", now)
    return True


def _restricted_at(session: Session, person: Person) -> set[int]:
    """Say at which shops there is a restriction that holds for this person, 0 for all."""
    rows = export_registry(session, _marks(person))["restrictions"]
    return {int(row["shop_id"]) for row in rows}


def _marks(person: Person) -> frozenset[bytes]:
    """Those of the shops, and the registry's: a restriction at all shops holds at this one too."""
    everywhere = registry_pseudonyms(person.address) if person.address else ()
    return person.all_pseudonyms | frozenset(everywhere)


def _place(person: Person) -> int:
    return EVERY_SHOP if person.everywhere else person.shop_ids[0]
