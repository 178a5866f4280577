"""Erase a person: every room forgets, the letters on disk too; what stays is a keyed opt-out."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from trustsvc.invitations.personal_data import erase_invitations, message_codes
from trustsvc.orders.personal_data import erase_orders
from trustsvc.privacy import receipts, request_log
from trustsvc.privacy.models import my_data_links
from trustsvc.privacy.retention import maildir
from trustsvc.privacy.rights import people
from trustsvc.privacy.rights.confirmation import confirm
from trustsvc.privacy.rights.people import EVERY_SHOP, Person
from trustsvc.registry.opt_out import opt_out
from trustsvc.registry.personal_data import erase_registration
from trustsvc.registry.restriction import lift
from trustsvc.reviews.personal_data import erase_reviews
from trustsvc.storage import db
from trustsvc.transactional_mail.personal_data import erase_mail, recipient_pseudonyms
from trustsvc.work_queue import job_queue

RULE = "erasure"


@dataclass(frozen=True, slots=True)
class ErasureOptions:
    """How to erase. A child's data goes everywhere and whole, without a question."""

    everywhere: bool = False
    anonymous: bool = False
    child: bool = False
    stay_out: bool = True  # keep the mark that stops the next order; the shop's own wish keeps none
    note: bool = True  # one request is one line in the register, however many bites it takes
    by: str = "person"


@dataclass(frozen=True, slots=True)
class Erased:
    """What came of it; `receipt` names the signed receipt, empty when nothing was held."""

    orders: int
    reviews: int
    receipt: str
    confirmed: bool
    everywhere: bool


def erase(session: Session, person: Person, wish: ErasureOptions, now: datetime) -> Erased:
    """Forget a person at the shops this is about, or everywhere; gives a signed receipt.

    Stays out afterwards: the opt-out is written first. A letter that is being sent does not leave,
    up to its final dot. Twice, or a hundred at once, is one erasure: whoever comes later finds
    nothing, and gets the same answer without a receipt. Raises Unavailable when the file of
    suppressions cannot be written; then nothing was erased.
    """
    if wish.everywhere or wish.child:
        person = people.everywhere(session, person)
    person = people.lock(session, person)
    if wish.stay_out:
        _keep_out(session, person, now)
    lift(session, person.all_pseudonyms, now)
    erase_invitations(session, person.orders, now)
    placed = erase_orders(session, person.orders)
    anonymous = wish.anonymous and not wish.child
    written = erase_reviews(session, person.reviews, now, anonymous=anonymous)
    left = bool(person.everywhere and person.address) and erase_registration(
        session, person.address
    )
    codes = message_codes(session, person.orders)
    db.after_commit(session, lambda: maildir.erase(person.address, codes))
    _forget_letters(session, person)
    number = placed + written + int(left)
    signed = _sign(session, number, now)
    shop_id = EVERY_SHOP if person.everywhere else person.shop_ids[0]
    if wish.note:
        request_log.record_answered(
            session, "child" if wish.child else "erase", shop_id, wish.by, now
        )
    confirmed = bool(number) and confirm(
        session, person, "erased", now, {"receipt": signed, "day": f"{now:%Y-%m-%d}"}
    )
    job_queue.enqueue(
        session, "purge_rows"
    )  # ends with the write-ahead log and freed pages emptied
    return Erased(placed, written, signed, confirmed, person.everywhere)


def _keep_out(session: Session, person: Person, now: datetime) -> None:
    held = person.is_known  # the second time nothing leads to anybody, and no line is added
    for shop_id, marks in person.marks.items():
        if shop_id != EVERY_SHOP and (person.address and not person.everywhere):
            opt_out(session, person.address, shop_id, RULE, now, noted_again=held)
        elif shop_id != EVERY_SHOP and not person.everywhere:
            for mark in marks:
                opt_out(session, mark, shop_id, RULE, now, noted_again=held)
    if person.everywhere:
        opt_out(session, person.address, EVERY_SHOP, RULE, now, noted_again=held)


def _forget_letters(session: Session, person: Person) -> None:
    if not person.address:
        return
    who = recipient_pseudonyms(person.address)
    erase_mail(session, who)
    session.execute(delete(my_data_links).where(my_data_links.c.who.in_(who)))


def _sign(session: Session, number: int, now: datetime) -> str:
    if not number:
        return ""
    signature = receipts.write(session, receipts.Receipt(now, RULE, number, now))
    return signature.hex()[:16]  # as `trustsvc purge --receipts` lists it
