"""Object: at once and for good, with a copy of what was held (GDPR Art. 21(2) and (3))."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from trustsvc.invitations import redeem
from trustsvc.privacy import request_log
from trustsvc.privacy.rights import objection_bursts, people
from trustsvc.privacy.rights.access_report import as_json
from trustsvc.privacy.rights.confirmation import confirm, my_data_link
from trustsvc.privacy.rights.people import Person
from trustsvc.registry.opt_out import opt_out
from trustsvc.storage.columns import EVERY_SHOP

REASON = "objection"
PERSON = "person"


@dataclass(frozen=True, slots=True)
class Objected:
    everywhere: bool
    confirmed: bool


def object_to(
    session: Session,
    person: Person,
    now: datetime,
    *,
    everywhere: bool = False,
    by: str = PERSON,
) -> Objected:
    """Opt out, withdraw open invitations, erase the contact; a copy is mailed before.

    Published reviews stay: they rest on consent, which has a right of its own. Called twice it does
    no harm. The second time there is nothing to copy, so no e-mail is sent. No second line is
    logged unless staff answer another request.
    """
    if everywhere:
        person = people.everywhere(session, person)
    person = people.lock(session, person)
    new = write_opt_outs(session, person, now)
    # What anybody could have typed is now the person's own: no more undone with a burst.
    was_typed = objection_bursts.forget(session, person.all_pseudonyms)
    outcome = follow_up(session, person, now, new=new or was_typed)
    if new or by != PERSON:
        log_request(session, person, now, by)
    return outcome


def follow_up(
    session: Session, person: Person, now: datetime, *, new: bool, tell: bool = False
) -> Objected:
    """Do what follows from an opt-out that stands; with a copy if it is new.

    `tell`: also where no address is stored, because a stranger may have objected for this one.
    """
    confirmed = False
    if new and (person.is_stored or (tell and person.address)):
        where = my_data_link(session, person, now, copy=as_json(session, person, now))
        confirmed = confirm(session, person, "objected", now, {"link": where})
    redeem.withdraw(session, person.orders, REASON, now)
    return Objected(person.everywhere, confirmed)


def log_request(
    session: Session,
    person: Person,
    now: datetime,
    by: str = PERSON,
    asked_at: datetime | None = None,
) -> None:
    shop_id = EVERY_SHOP if person.everywhere else person.shop_ids[0]
    request_log.record_answered(session, request_log.Right.OBJECT, shop_id, by, now, asked_at)


def write_opt_outs(session: Session, person: Person, now: datetime) -> bool:
    """Write the opt-outs; gives whether one of them is new."""
    if person.everywhere:
        return opt_out(session, person.address, EVERY_SHOP, REASON, now)
    done = []
    for shop_id, pseudonyms in person.pseudonyms.items():
        keys = [person.address] if person.address else sorted(pseudonyms)
        done += [opt_out(session, key, shop_id, REASON, now) for key in keys]
    return any(done)
