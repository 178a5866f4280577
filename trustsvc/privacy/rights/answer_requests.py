"""Answer privacy requests that came without a link: from a page, or from the shop's platform."""

import time
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc import log
from trustsvc.orders import privacy_requests
from trustsvc.orders.catch_up import connections
from trustsvc.orders.models import orders
from trustsvc.orders.personal_data import find_orders_by_reference, without_contact
from trustsvc.orders.privacy_requests import PrivacyRequest
from trustsvc.orders.received import PrivacyRequestKind
from trustsvc.privacy import request_log
from trustsvc.privacy.request_log import Right
from trustsvc.privacy.rights import answer_objections, people
from trustsvc.privacy.rights.confirmation import confirm, my_data_link
from trustsvc.privacy.rights.erasure import ErasureOptions, erase
from trustsvc.privacy.rights.people import Person
from trustsvc.reviews.models import reviews
from trustsvc.reviews.personal_data import OTHERS, erase_reviews
from trustsvc.storage import db
from trustsvc.storage.columns import EVERY_SHOP
from trustsvc.transactional_mail import hourly_limit

SET_SIZE = 25  # requests per transaction: on SQLite nobody else writes meanwhile
BATCH_SIZE = 200  # buyers of a leaving shop, per transaction

logger = log.get_logger("privacy")


def answer_for(
    open_transaction: db.OpenTransaction,
    now: Callable[[], datetime],
    seconds: float,
    is_stopped: Callable[[], bool] = lambda: False,
) -> bool:
    """Answer what is due, in sets, until nothing is; True if some is left.

    It ends before when the time is up, or when stopped: then what is left waits for its next job.
    """
    end = time.monotonic() + seconds
    while answer_set(open_transaction, now):
        if is_stopped() or time.monotonic() > end:
            return True
    return False


def answer_set(
    open_transaction: db.OpenTransaction, now: Callable[[], datetime], most: int = SET_SIZE
) -> bool:
    """Answer a set of requests that are due, in one transaction; False if none is.

    Where one of them fails, the set is rolled back and each is answered for itself.
    """
    requests: list[PrivacyRequest] = []
    try:
        with open_transaction() as session:
            requests = privacy_requests.pop_due(session, now(), most)
            for request in requests:
                _ANSWERS[request.kind](session, request, now())
    except Exception:
        if not requests:
            raise
        for _ in requests:
            answer_next(open_transaction, now)
    return bool(requests)


def answer_next(open_transaction: db.OpenTransaction, now: Callable[[], datetime]) -> bool:
    """Answer one request that is due, in one transaction with its deletion; False if none is.

    One that fails is rolled back, logged without its content, and retried later.
    """
    requests: list[PrivacyRequest] = []
    try:
        with open_transaction() as session:
            requests = privacy_requests.pop_due(session, now(), 1)
            for request in requests:
                _ANSWERS[request.kind](session, request, now())
    except Exception as problem:
        if not requests:
            raise
        number, where = requests[0].id, log.error_location(problem)
        logger.error("privacy.request_failed", request=number, **where)  # noqa: TRY400
        with open_transaction() as session:
            privacy_requests.defer(session, requests[0], now())
    return bool(requests)


def _my_data(session: Session, request: PrivacyRequest, now: datetime) -> None:
    """Mail a link to all data, if the address is known; a stranger gets no e-mail."""
    person = people.by_address(session, request.address)
    if not people.has_data(session, person):
        return
    if hourly_limit.is_reached(session, "my_data_link", now, network=request.network):
        privacy_requests.put_back(session, request, now, hourly_limit.RETRY_DELAY)
        return
    person = _with_language(person, request)
    facts = {"link": my_data_link(session, person, now)}
    if confirm(session, person, "my_data_link", now, facts, request.network):
        request_log.record_answered(
            session, Right.SEE, EVERY_SHOP, "person", now, request.requested_at
        )


def _export(session: Session, request: PrivacyRequest, now: datetime) -> None:
    """Shopify's customers/data_request: the copy is mailed to the person and to nobody else."""
    person = _person(session, request)
    if not person.is_stored:
        request_log.record_answered(
            session, Right.COPY, request.shop_id, "shop", now, request.requested_at
        )
        return
    if confirm(session, person, "copy", now, {"link": my_data_link(session, person, now)}):
        request_log.record_answered(
            session, Right.COPY, request.shop_id, "shop", now, request.requested_at
        )
    else:
        request_log.record_open(session, Right.COPY, request.shop_id, request.requested_at or now)


def _erase(session: Session, request: PrivacyRequest, now: datetime) -> None:
    """Shopify's customers/redact: an erasure at that shop, of the orders it names too.

    An order may have been placed with another address than the customer's account has. Whoever
    placed it is not asked; a review of theirs stays, because the shop says nothing of its author.
    """
    named = find_orders_by_reference(session, request.shop_id, request.orders)
    person = _person(session, request)
    erase(session, person, ErasureOptions(by="shop"), now)
    if others := named - person.orders:
        nobody = people.unnamed(request.shop_id, others, request.language)
        erase(session, nobody, ErasureOptions(stay_out=False, by="shop", log=False), now)


def _erase_emptied(session: Session, request: PrivacyRequest, now: datetime) -> None:
    """Erase an address that the shop emptied, unless a newer body has named the buyer again."""
    named = find_orders_by_reference(session, request.shop_id, request.orders)
    emptied = without_contact(session, named)
    person = people.by_orders(session, request.shop_id, emptied, request.language)
    erase(session, person, ErasureOptions(by="shop", accepts_buyer=True), now)


def _erase_shop(session: Session, request: PrivacyRequest, now: datetime) -> None:
    """Shopify's shop/redact: erase the buyers of a shop that left, in batches.

    Nobody is opted out or written to, because no buyer asked for it. Reviews stay without
    a name: they belong to their authors. Its API credentials go first, or its orders would come
    back.
    """
    connections.forget(session, request.shop_id)
    placed = session.scalars(
        select(orders.c.id)
        .where(
            orders.c.shop_id == request.shop_id,
            orders.c.email.is_not(None) | orders.c.buyer_pseudonym.is_not(None),
        )
        .order_by(orders.c.id)
        .limit(BATCH_SIZE)
    ).all()
    written = session.scalars(
        select(reviews.c.id)
        .where(
            reviews.c.shop_id == request.shop_id,
            reviews.c.email.is_not(None) | reviews.c.buyer_pseudonym.is_not(None),
        )
        .order_by(reviews.c.id)
        .limit(BATCH_SIZE)
    ).all()
    if not placed and not written:
        request_log.record_answered(
            session, Right.ERASE, request.shop_id, "shop", now, request.requested_at
        )
        return
    erase_reviews(session, written, now, by=OTHERS)
    anonymous = people.unnamed(request.shop_id, placed, request.language)
    erase(session, anonymous, ErasureOptions(stay_out=False, by="shop", log=False), now)
    privacy_requests.enqueue(
        session,
        PrivacyRequest(PrivacyRequestKind.ERASE_SHOP, request.shop_id, request.language),
        now,
    )


_ANSWERS: dict[PrivacyRequestKind, Callable[[Session, PrivacyRequest, datetime], None]] = {
    PrivacyRequestKind.MY_DATA: _my_data,
    PrivacyRequestKind.OBJECT: answer_objections.answer,
    PrivacyRequestKind.ACCESS: _export,
    PrivacyRequestKind.ERASE: _erase,
    PrivacyRequestKind.EMPTIED: _erase_emptied,
    PrivacyRequestKind.ERASE_SHOP: _erase_shop,
}


def _person(session: Session, request: PrivacyRequest) -> Person:
    """Find whom a request is about: by the address, and by the orders it names."""
    shop_ids = None if request.shop_id == EVERY_SHOP else [request.shop_id]
    named = (
        find_orders_by_reference(session, request.shop_id, request.orders)
        if request.orders
        else set()
    )
    if not request.address:
        return people.by_orders(session, request.shop_id, named, request.language)
    person = people.by_address(session, request.address, shop_ids)
    return people.with_named_orders(session, person, named)


def _with_language(person: Person, request: PrivacyRequest) -> Person:
    return person if person.is_stored else people.with_language(person, request.language)
