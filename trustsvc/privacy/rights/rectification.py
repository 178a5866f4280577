"""Correct data: a name or city by the person, an address by staff (GDPR Art. 16)."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc.address import normalise
from trustsvc.crypto import pseudonyms
from trustsvc.errors import Refused
from trustsvc.orders.personal_data import correct_buyer_address, correct_buyer_name
from trustsvc.privacy import request_log
from trustsvc.privacy.rights import people
from trustsvc.privacy.rights.confirmation import confirm
from trustsvc.privacy.rights.people import Person
from trustsvc.registry import restriction
from trustsvc.registry.models import opt_outs
from trustsvc.registry.opt_out import opt_out
from trustsvc.reviews import correct, lookup
from trustsvc.reviews.models import reviews
from trustsvc.reviews.personal_data import correct_author_address, find_reviews
from trustsvc.reviews.policy import MAX_LENGTHS, clean
from trustsvc.reviews.state import MAY_CHANGE
from trustsvc.storage.columns import EVERY_SHOP


@dataclass(frozen=True, slots=True)
class Correction:
    """The correct values; empty changes nothing. `name` is the buyer's, the others are public."""

    name: str = field(default="", repr=False)
    shown_name: str = field(default="", repr=False)
    city: str | None = field(default=None, repr=False)


def rectify(
    session: Session, person: Person, correction: Correction, now: datetime, by: str = "person"
) -> int:
    """Correct the data wherever it is stored; gives at how many places. Confirmed by e-mail.

    A review with another name or city is moderated again, so that nothing unread is published.
    Raises Refused for an invalid name.
    """
    from trustsvc.orders.platforms import fields  # all parsers: a twentieth of `trustsvc person`

    name = fields.name({"name": correction.name}, "name")
    if correction.name and not name:
        raise Refused("The name cannot be used: it must be plain text on one line.")
    changed = 0
    if name and name != person.name:
        changed += correct_buyer_name(session, person.orders, name)
    changed += _reviews(session, person, correction, now)
    if changed:
        _finish(session, person, now, by)
    return changed


def correct_address(session: Session, person: Person, new: str, now: datetime, by: str) -> int:
    """Change a person's address, only after staff identified the person.

    Both addresses are notified, so the owner of the old one learns of it. Opt-outs and restrictions
    move along. Raises NotAnAddress.
    """
    normalise(new)
    person = people.lock(session, person)
    changed = 0
    for shop_id, former in person.pseudonyms.items():
        if shop_id == EVERY_SHOP:
            _move_opt_out(session, former, EVERY_SHOP, new, now)
            _move_restriction(session, former, EVERY_SHOP, new, now)
            continue
        pseudonym = pseudonyms.shop_pseudonym(shop_id, new)
        theirs = find_reviews(session, [shop_id], former, ()) & person.reviews
        changed += correct_buyer_address(session, shop_id, person.orders, new)
        changed += correct_author_address(session, theirs, new, pseudonym)
        _move_opt_out(session, former, shop_id, new, now)
        _move_restriction(session, former, shop_id, new, now)
    if changed:
        _finish(session, person, now, by)
        confirm(session, replace(person, address=new), "corrected", now)
    return changed


def _reviews(session: Session, person: Person, correction: Correction, now: datetime) -> int:
    shown, city = (
        clean(correction.shown_name),
        None if correction.city is None else clean(correction.city),
    )
    if len(shown) > MAX_LENGTHS["name"] or len(city or "") > MAX_LENGTHS["city"]:
        raise Refused("Name and city may have 80 characters each.")
    if not shown and city is None:
        return 0
    ids = session.scalars(
        select(reviews.c.id).where(
            reviews.c.id.in_(person.reviews), reviews.c.state.in_(MAY_CHANGE)
        )
    ).all()
    changed = 0
    for one in ids:
        was = lookup.find_review(session, one).author_input
        new = replace(was, name=shown or was.name, city=was.city if city is None else city)
        changed += new != was and correct.correct(session, one, new, now)
    return changed


def _move_opt_out(
    session: Session, former: frozenset[bytes], shop_id: int, new: str, now: datetime
) -> None:
    reason = session.scalar(
        select(opt_outs.c.reason)
        .where(opt_outs.c.pseudonym.in_(former), opt_outs.c.shop_id == shop_id)
        .limit(1)
    )
    if reason:
        opt_out(session, new, shop_id, reason, now)


def _move_restriction(
    session: Session, former: frozenset[bytes], shop_id: int, new: str, now: datetime
) -> None:
    """Restrict the new address: the old pseudonym would not hold new data, nor be lifted."""
    if not restriction.lift(session, former, now):
        return
    everywhere = shop_id == EVERY_SHOP
    theirs = (
        pseudonyms.registry_pseudonyms(new)
        if everywhere
        else pseudonyms.shop_pseudonyms(shop_id, new)
    )
    restriction.restrict(session, theirs, shop_id, now)


def _finish(session: Session, person: Person, now: datetime, by: str) -> None:
    shop_id = EVERY_SHOP if person.everywhere else person.shop_ids[0]
    request_log.record_answered(session, request_log.Right.CORRECT, shop_id, by, now)
    confirm(session, person, "corrected", now)
