"""Who is asking: one person at one shop (a letter's link), or wherever an address is known."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc import i18n
from trustsvc.crypto import pseudonyms
from trustsvc.errors import Gone
from trustsvc.invitations import redeem
from trustsvc.orders.models import orders
from trustsvc.orders.personal_data import find_orders, lock_orders
from trustsvc.privacy.models import my_data_links
from trustsvc.privacy.retention.rules import RULES
from trustsvc.registry.personal_data import export_registry
from trustsvc.reviews.models import reviews
from trustsvc.reviews.personal_data import find_reviews
from trustsvc.shops import directory

EVERY_SHOP = 0


@dataclass(frozen=True, slots=True)
class Person:
    """What leads to a person's data. `address` is empty where it is forgotten everywhere.

    `shop_ids` are the shops this is about (where it is about all, those that know the person),
    `marks` the keyed hashes by which each knows the person; `copy` is what was handed over with an
    objection, behind the link that was mailed for it.
    """

    address: str = field(repr=False)
    name: str = field(repr=False)
    language: str
    shop_ids: tuple[int, ...]
    marks: dict[int, frozenset[bytes]] = field(repr=False)
    orders: frozenset[int]
    reviews: frozenset[int]
    everywhere: bool = False
    held: bool = False  # the address is kept, and not only known from whoever asked
    copy: str = field(default="", repr=False)

    @property
    def all_pseudonyms(self) -> frozenset[bytes]:
        return frozenset().union(*self.marks.values())

    @property
    def is_known(self) -> bool:
        """Whether an order or a review still leads to this person."""
        return bool(self.orders or self.reviews)


def by_link(session: Session, link_id: bytes, now: datetime) -> Person:
    """Say whom a link is about: a letter's, for its shop; or one that was asked for, for all.

    Raises NotFound for a link we never made, and Gone for one that was asked for too long ago.
    """
    asked = session.execute(select(my_data_links).where(my_data_links.c.link == link_id)).first()
    if asked is None:
        return _of_invitation(session, redeem.find(session, link_id))
    if asked.at <= RULES["transactional_mail"].cutoff(now):
        raise Gone
    found = by_address(session, asked.address)
    return _with(found, language=asked.language, copy=asked.copy or "")


def by_address(session: Session, address: str, shop_ids: Collection[int] | None = None) -> Person:
    """Find whoever has this address, at these shops or at all; raises NotAnAddress."""
    everywhere = shop_ids is None
    places = (
        [shop.id for shop in directory.all_shops(session)] if shop_ids is None else list(shop_ids)
    )
    marks = {place: frozenset(pseudonyms.shop_pseudonyms(place, address)) for place in places}
    if everywhere:
        marks[EVERY_SHOP] = frozenset(pseudonyms.registry_pseudonyms(address))
    every = frozenset().union(*marks.values())
    placed = find_orders(session, places, every)
    written = find_reviews(session, places, every, placed)
    at = set(session.scalars(select(orders.c.shop_id).where(orders.c.id.in_(placed))))
    at |= set(session.scalars(select(reviews.c.shop_id).where(reviews.c.id.in_(written))))
    found = Person(
        address=address,
        name="",
        language="",
        shop_ids=tuple(sorted(at)) if everywhere else tuple(places),
        marks=marks,
        orders=frozenset(placed),
        reviews=frozenset(written),
        everywhere=everywhere,
    )
    return _contact(session, found)


def has_data(session: Session, person: Person) -> bool:
    """Say whether anything is kept about somebody: an order, a review, a registration, a wish."""
    return person.is_known or any(export_registry(session, person.all_pseudonyms).values())


def is_customer(session: Session, person: Person) -> bool:
    """Say whether somebody bought, wrote or registered here; a wish alone anybody can write."""
    kept = export_registry(session, person.all_pseudonyms)
    return person.is_known or bool(kept["registered_buyers"])


def everywhere(session: Session, person: Person) -> Person:
    """Find the same person at every shop, where the address is still known.

    Nothing that the link led to is lost by it: its rows may carry the mark of an older key.
    """
    if person.everywhere or not person.address:
        return person
    found = by_address(session, person.address)
    shop_ids = {*found.shop_ids, *person.shop_ids}
    return _with(
        found,
        language=person.language,
        shop_ids=tuple(sorted(shop_ids)),
        marks={
            place: found.marks.get(place, frozenset()) | person.marks.get(place, frozenset())
            for place in {*found.marks, *person.marks}
        },
        orders=found.orders | person.orders,
        reviews=found.reviews | person.reviews,
    )


def with_named_orders(session: Session, person: Person, order_ids: Collection[int]) -> Person:
    """Add orders that somebody else named, where they are of one who has this address or of none.

    An order of another buyer's that is named by mistake, or to do harm, is left alone.
    """
    rows = session.execute(
        select(orders.c.id).where(
            orders.c.id.in_(order_ids),
            orders.c.buyer.in_(person.all_pseudonyms) | orders.c.buyer.is_(None),
        )
    )
    placed = person.orders | {row.id for row in rows}
    written = find_reviews(session, person.shop_ids, (), placed)
    mine = session.scalars(
        select(reviews.c.id).where(
            reviews.c.id.in_(written),
            reviews.c.buyer.in_(person.all_pseudonyms) | reviews.c.buyer.is_(None),
        )
    )
    return _with(person, orders=placed, reviews=person.reviews | frozenset(mine))


def lock(session: Session, person: Person) -> Person:
    """Lock a person's orders, and find anew what came since the person was looked up.

    A review that was being written meanwhile has its order locked, so it is waited for here: what
    is done about the person next is done about it too (PostgreSQL; SQLite has one writer).
    """
    places = [place for place in person.marks if place != EVERY_SHOP]
    lock_orders(session, person.orders)
    placed = person.orders | find_orders(session, places, person.all_pseudonyms)
    lock_orders(session, placed - person.orders)
    written = person.reviews | find_reviews(session, places, person.all_pseudonyms, placed)
    return _with(person, orders=placed, reviews=written)


def with_language(person: Person, language: str) -> Person:
    return _with(person, language=language)


def by_orders(session: Session, shop_id: int, order_ids: Iterable[int], language: str) -> Person:
    """Find whoever placed these orders of one shop, by them alone."""
    ids = frozenset(order_ids)
    marks = session.scalars(
        select(orders.c.buyer).where(orders.c.id.in_(ids), orders.c.buyer.is_not(None))
    )
    known_as = frozenset(marks)
    written = find_reviews(session, [shop_id], known_as, ids)
    found = Person("", "", language, (shop_id,), {shop_id: known_as}, ids, frozenset(written))
    return _contact(session, found)


def _of_invitation(session: Session, invitation: redeem.Invitation) -> Person:
    shop_id, order_id = invitation.shop_id, invitation.order_id
    only = by_orders(session, shop_id, [order_id], invitation.language)
    authors = session.scalars(
        select(reviews.c.buyer).where(reviews.c.id.in_(only.reviews), reviews.c.buyer.is_not(None))
    )
    marks = only.all_pseudonyms | frozenset(authors)
    if only.address:
        marks |= frozenset(pseudonyms.shop_pseudonyms(shop_id, only.address))
    placed = find_orders(session, [shop_id], marks) | {order_id}
    written = find_reviews(session, [shop_id], marks, placed)
    found = _with(
        only, marks={shop_id: marks}, orders=frozenset(placed), reviews=frozenset(written)
    )
    return _contact(session, found)


def _contact(session: Session, person: Person) -> Person:
    """Read the address as it was handed to us, and a name to greet; the newest order's first."""
    row = session.execute(
        select(orders.c.email, orders.c.name, orders.c.locale)
        .where(orders.c.id.in_(person.orders), orders.c.email.is_not(None))
        .order_by(orders.c.id.desc())
        .limit(1)
    ).first()
    if row is None:
        row = session.execute(
            select(reviews.c.email, reviews.c.name, reviews.c.language.label("locale"))
            .where(reviews.c.id.in_(person.reviews), reviews.c.email.is_not(None))
            .order_by(reviews.c.id.desc())
            .limit(1)
        ).first()
    if row is None:
        return _with(person, language=person.language or i18n.FALLBACK)
    return _with(
        person,
        address=row.email,
        held=True,
        name=row.name or "",
        language=i18n.negotiate_language(person.language or None, row.locale),
    )


def _with(person: Person, **changes: object) -> Person:
    values = {name: getattr(person, name) for name in Person.__dataclass_fields__}
    return Person(**(values | changes))
