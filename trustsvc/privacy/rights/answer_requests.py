"""Answer what was asked without a link: by an address on a page, or by the shop's platform."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc import log
from trustsvc.orders import privacy_requests
from trustsvc.orders.models import orders
from trustsvc.orders.personal_data import find_orders_by_reference
from trustsvc.orders.privacy_requests import EVERY_SHOP, PrivacyRequest
from trustsvc.privacy import request_log
from trustsvc.privacy.rights import objection, people
from trustsvc.privacy.rights.confirmation import confirm, my_data_link
from trustsvc.privacy.rights.erasure import ErasureOptions, erase
from trustsvc.privacy.rights.people import Person
from trustsvc.registry.opt_out import opt_out
from trustsvc.registry.personal_data import export_registry
from trustsvc.reviews.models import reviews
from trustsvc.reviews.personal_data import erase_reviews

BATCH_SIZE = 200  # buyers of a shop that is leaving, a transaction

OpenTransaction = Callable[[], AbstractContextManager[Session]]
logger = log.get_logger("privacy")


def answer_next(open_transaction: OpenTransaction, now: Callable[[], datetime]) -> bool:
    """Answer one question that is due, in one transaction with its deletion; False: there is none.

    One that fails is rolled back, logged without a word of what it holds, and tried again later.
    """
    ask: PrivacyRequest | None = None
    try:
        with open_transaction() as session:
            ask = privacy_requests.take(session, now())
            if ask is not None:
                _DO[ask.kind](session, ask, now())
    except Exception as problem:
        if ask is None:
            raise
        logger.error("not answered", ask=ask.id, **log.error_location(problem))  # noqa: TRY400
        with open_transaction() as session:
            privacy_requests.defer(session, ask, now())
    return ask is not None


def _my_data(session: Session, ask: PrivacyRequest, now: datetime) -> None:
    """Mail a link to everything, to an address that is known; a stranger hears nothing."""
    person = people.by_address(session, ask.address)
    if not people.has_data(session, person):
        return
    person = _spoken(person, ask)
    if confirm(session, person, "my_data_link", now, {"link": my_data_link(session, person, now)}):
        request_log.record_answered(session, "see", EVERY_SHOP, "person", now, ask.asked_at)


def _object(session: Session, ask: PrivacyRequest, now: datetime) -> None:
    """Do what the door could not: the opt-out stands already, so forget, withdraw, hand over.

    The register hears of it where somebody was known, and the first time only: else whoever types
    addresses into the page fills it for five years.
    """
    if ask.shop_id == EVERY_SHOP:
        _object_everywhere(session, ask, now)
        return
    person = people.lock(session, _spoken(_person(session, ask), ask))
    stands = export_registry(session, person.all_pseudonyms)["opt_outs"]
    new = any(row["at"] == ask.asked_at for row in stands)
    objection.follow_up(session, person, now, new=new)
    if new and people.is_customer(session, people.by_address(session, ask.address)):
        objection.log_request(session, person, now)


def _object_everywhere(session: Session, ask: PrivacyRequest, now: datetime) -> None:
    """Carry an objection to the other shops: by a letter's link where somebody is known.

    Anybody can type an address, and one shop's open letter is all a stranger may stop. Of an
    address that nobody here knows there is nothing to stop and nobody to write to: the wish of
    whoever will order with it is kept at once, and can be taken back at /me.
    """
    person = people.by_address(session, ask.address)
    if not people.is_customer(session, person):
        opt_out(session, ask.address, EVERY_SHOP, objection.REASON, now)
        return
    person = _spoken(person, ask)
    where = my_data_link(session, person, now) + "/object"
    confirm(session, person, "object_all", now, {"link": where})


def _tell(session: Session, ask: PrivacyRequest, now: datetime) -> None:
    """Shopify's customers/data_request: the copy goes to the person, and to nobody else."""
    person = _person(session, ask)
    if not person.held:
        request_log.record_answered(session, "copy", ask.shop_id, "shop", now, ask.asked_at)
        return
    if confirm(session, person, "copy", now, {"link": my_data_link(session, person, now)}):
        request_log.record_answered(session, "copy", ask.shop_id, "shop", now, ask.asked_at)
    else:
        request_log.record_open(session, "copy", ask.shop_id, ask.asked_at or now)


def _forget(session: Session, ask: PrivacyRequest, now: datetime) -> None:
    """Shopify's customers/redact: an erasure at that shop."""
    person = _person(session, ask)
    erase(session, person, ErasureOptions(by="shop"), now)


def _forget_shop(session: Session, ask: PrivacyRequest, now: datetime) -> None:
    """Shopify's shop/redact: the shop has gone, so its buyers are forgotten, in bites.

    Nobody is opted out by it, and nobody is written to: no buyer asked for it. What is published
    stays without a name, because it is its author's.
    """
    placed = session.scalars(
        select(orders.c.id)
        .where(
            orders.c.shop_id == ask.shop_id,
            orders.c.email.is_not(None) | orders.c.buyer.is_not(None),
        )
        .order_by(orders.c.id)
        .limit(BATCH_SIZE)
    ).all()
    written = session.scalars(
        select(reviews.c.id)
        .where(
            reviews.c.shop_id == ask.shop_id,
            reviews.c.email.is_not(None) | reviews.c.buyer.is_not(None),
        )
        .order_by(reviews.c.id)
        .limit(BATCH_SIZE)
    ).all()
    if not placed and not written:
        request_log.record_answered(session, "erase", ask.shop_id, "shop", now, ask.asked_at)
        return
    erase_reviews(session, written, now, anonymous=True)
    nobodys = Person("", "", ask.language, (ask.shop_id,), {}, frozenset(placed), frozenset())
    erase(session, nobodys, ErasureOptions(stay_out=False, by="shop", note=False), now)
    privacy_requests.write(session, PrivacyRequest("forget_shop", ask.shop_id, ask.language), now)


_DO: dict[str, Callable[[Session, PrivacyRequest, datetime], None]] = {
    "my_data": _my_data,
    "object": _object,
    "tell": _tell,
    "forget": _forget,
    "forget_shop": _forget_shop,
}


def _person(session: Session, ask: PrivacyRequest) -> Person:
    """Find whom a question is about: by the address, and by the orders it names."""
    places = None if ask.shop_id == EVERY_SHOP else [ask.shop_id]
    named = find_orders_by_reference(session, ask.shop_id, ask.orders) if ask.orders else set()
    if not ask.address:
        return people.by_orders(session, ask.shop_id, named, ask.language)
    found = people.by_address(session, ask.address, places)
    return people.with_named_orders(session, found, named)


def _spoken(person: Person, ask: PrivacyRequest) -> Person:
    return person if person.is_known else people.with_language(person, ask.language)
