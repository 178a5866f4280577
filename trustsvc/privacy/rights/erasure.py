"""Erase a person's data everywhere, files in the maildir too; only a keyed opt-out stays."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from trustsvc.invitations.personal_data import erase_invitations, message_codes
from trustsvc.orders.personal_data import erase_orders
from trustsvc.privacy import receipts, request_log
from trustsvc.privacy.models import my_data_links
from trustsvc.privacy.retention import maildir
from trustsvc.privacy.rights import objection_bursts, people
from trustsvc.privacy.rights.confirmation import confirm
from trustsvc.privacy.rights.people import Person
from trustsvc.registry.opt_out import opt_out
from trustsvc.registry.personal_data import erase_registration
from trustsvc.registry.restriction import lift
from trustsvc.reviews.personal_data import AUTHOR, OTHERS, erase_reviews
from trustsvc.storage import db
from trustsvc.storage.columns import EVERY_SHOP
from trustsvc.transactional_mail.personal_data import erase_mail, recipient_pseudonyms
from trustsvc.work_queue import job_queue

ERASURE = "erasure"
BY_PERSON = "person"  # behind a link of their own


@dataclass(frozen=True, slots=True)
class ErasureOptions:
    """How to erase. For a child: everywhere, and its author's reviews whole."""

    everywhere: bool = False
    anonymous: bool = False
    child: bool = False
    stay_out: bool = True  # opt the person out; not when the shop asked
    accepts_buyer: bool = False  # newer news of the shop may name the buyer again
    log: bool = True  # one request is one line of the log, however many batches it takes
    by: str = BY_PERSON  # the reviews of anybody else keep their words and stars


@dataclass(frozen=True, slots=True)
class Erased:
    """The outcome; `receipt` is the start of the signed receipt, empty if nothing was held."""

    orders: int
    reviews: int
    receipt: str
    confirmed: bool
    everywhere: bool


def erase(session: Session, person: Person, options: ErasureOptions, now: datetime) -> Erased:
    """Erase a person at the shops in question, or everywhere; gives a signed receipt.

    The opt-out is written first. A message that is being sent is stopped up to its end of DATA.
    Twice, or many at once, is one erasure: the later ones find nothing and get no receipt. Raises
    Unavailable if the suppression journal cannot be written; then nothing was erased.
    """
    if options.everywhere or options.child:
        person = people.everywhere(session, person)
    person = people.lock(session, person)
    if options.stay_out:
        _opt_out(session, person, now)
    objection_bursts.forget(session, person.all_pseudonyms)
    lift(session, person.all_pseudonyms, now)
    accepts_buyer = options.accepts_buyer
    erase_invitations(session, person.orders, now, accepts_buyer=accepts_buyer)
    erased_orders = erase_orders(session, person.orders, accepts_buyer=accepts_buyer)
    erased_reviews = _erase_reviews(session, person, options, now)
    unregistered = bool(person.everywhere and person.address) and erase_registration(
        session, person.address
    )
    codes = message_codes(session, person.orders)
    db.after_commit(session, lambda: maildir.erase(person.address, codes))
    _erase_mail(session, person)
    number = erased_orders + erased_reviews + int(unregistered)
    signed = _sign(session, number, now)
    shop_id = EVERY_SHOP if person.everywhere else person.shop_ids[0]
    if options.log:
        right = request_log.Right.CHILD if options.child else request_log.Right.ERASE
        request_log.record_answered(session, right, shop_id, options.by, now)
    confirmed = bool(number) and confirm(
        session, person, "erased", now, {"receipt": signed, "day": f"{now:%Y-%m-%d}"}
    )
    job_queue.enqueue(session, "purge_rows")  # empties the write-ahead log and freed pages
    return Erased(erased_orders, erased_reviews, signed, confirmed, person.everywhere)


def _opt_out(session: Session, person: Person, now: datetime) -> None:
    was_known = person.is_known  # the second time nobody is found, and no line is added
    for shop_id, pseudonyms in person.pseudonyms.items():
        if shop_id != EVERY_SHOP and (person.address and not person.everywhere):
            opt_out(session, person.address, shop_id, ERASURE, now, journal_again=was_known)
        elif shop_id != EVERY_SHOP and not person.everywhere:
            for pseudonym in pseudonyms:
                opt_out(session, pseudonym, shop_id, ERASURE, now, journal_again=was_known)
    if person.everywhere:
        opt_out(session, person.address, EVERY_SHOP, ERASURE, now, journal_again=was_known)


def _erase_reviews(session: Session, person: Person, options: ErasureOptions, now: datetime) -> int:
    anonymous = options.anonymous and not options.child
    by = AUTHOR if options.by == BY_PERSON else OTHERS
    return erase_reviews(session, person.reviews, now, anonymous=anonymous, by=by)


def _erase_mail(session: Session, person: Person) -> None:
    if not person.address:
        return
    who = recipient_pseudonyms(person.address)
    erase_mail(session, who)
    session.execute(delete(my_data_links).where(my_data_links.c.pseudonym.in_(who)))


def _sign(session: Session, number: int, now: datetime) -> str:
    if not number:
        return ""
    signature = receipts.write(session, receipts.Receipt(now, ERASURE, number, now))
    return signature.hex()[:16]  # as `trustsvc purge --receipts` lists it
