"""Who makes a request: one person at one shop (by an invitation's link), or at all shops."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc import i18n
from trustsvc.crypto.id_hashes import id_hashes
from trustsvc.crypto.pseudonyms import registry_pseudonyms, shop_pseudonyms
from trustsvc.errors import Gone
from trustsvc.invitations import redeem
from trustsvc.orders.models import orders
from trustsvc.orders.personal_data import find_orders, lock_orders
from trustsvc.privacy.models import my_data_links
from trustsvc.privacy.retention.rules import RULES
from trustsvc.registry.personal_data import is_registered, registry_rows
from trustsvc.reviews.models import reviews
from trustsvc.reviews.personal_data import find_reviews
from trustsvc.shops import directory
from trustsvc.storage.columns import EVERY_SHOP


@dataclass(frozen=True, slots=True)
class Person:
    """What leads to a person's data. `address` is empty once it is erased everywhere.

    `shop_ids` are the shops in question (for all shops: those that know the person); `pseudonyms`
    are the person's keyed hashes by shop; `copy` is the copy made at an objection, behind the link
    that was mailed with it.
    """

    address: str = field(repr=False)
    name: str = field(repr=False)
    language: str
    shop_ids: tuple[int, ...]
    pseudonyms: dict[int, frozenset[bytes]] = field(repr=False)
    orders: frozenset[int]
    reviews: frozenset[int]
    everywhere: bool = False
    is_stored: bool = False  # the address, not only known from the request
    copy: str = field(default="", repr=False)

    @property
    def all_pseudonyms(self) -> frozenset[bytes]:
        return frozenset().union(*self.pseudonyms.values())

    @property
    def is_known(self) -> bool:
        """Whether an order or a review still leads to this person."""
        return bool(self.orders or self.reviews)


def by_link(session: Session, link_id: bytes, now: datetime) -> Person:
    """Find the person of a link: an invitation's, for its shop, or a requested one, for all.

    Raises NotFound for an unknown link, Gone for an expired one.
    """
    is_of_link = my_data_links.c.link_hash.in_(id_hashes(link_id))
    requested = session.execute(select(my_data_links).where(is_of_link)).first()
    if requested is None:
        return _of_invitation(session, redeem.find(session, link_id))
    if requested.at <= RULES["transactional_mail"].cutoff(now):
        raise Gone
    person = by_address(session, requested.address)
    return replace(person, language=requested.language, copy=requested.copy or "")


def by_address(session: Session, address: str, shop_ids: Collection[int] | None = None) -> Person:
    """Find the person with this address, at these shops or at all; raises NotAnAddress."""
    everywhere = shop_ids is None
    places = (
        [shop.id for shop in directory.all_shops(session)] if shop_ids is None else list(shop_ids)
    )
    pseudonyms = {place: frozenset(shop_pseudonyms(place, address)) for place in places}
    if everywhere:
        pseudonyms[EVERY_SHOP] = frozenset(registry_pseudonyms(address))
    every = frozenset().union(*pseudonyms.values())
    placed = find_orders(session, places, every)
    written = find_reviews(session, places, every, placed)
    at: set[int] = set()
    if placed or written:  # of a flood nobody is known
        at |= set(session.scalars(select(orders.c.shop_id).where(orders.c.id.in_(placed))))
        at |= set(session.scalars(select(reviews.c.shop_id).where(reviews.c.id.in_(written))))
    person = Person(
        address=address,
        name="",
        language="",
        shop_ids=tuple(sorted(at)) if everywhere else tuple(places),
        pseudonyms=pseudonyms,
        orders=frozenset(placed),
        reviews=frozenset(written),
        everywhere=everywhere,
    )
    return _contact(session, person)


def has_data(session: Session, person: Person) -> bool:
    """Say whether anything is stored: an order, a review, a registration, an opt-out."""
    return person.is_known or any(registry_rows(session, person.all_pseudonyms).values())


def is_customer(session: Session, person: Person) -> bool:
    """Say whether the person bought, wrote or registered; anybody can write an opt-out."""
    return person.is_known or is_registered(session, person.all_pseudonyms)


def registry_names(person: Person) -> frozenset[bytes]:
    """Give the pseudonyms of the person's address in the registry, by every key."""
    return frozenset(registry_pseudonyms(person.address)) if person.address else frozenset()


def everywhere(session: Session, person: Person) -> Person:
    """Find the same person at every shop, if the address is still known.

    Keeps all rows that the link led to: they may carry a pseudonym of an older key.
    """
    if person.everywhere or not person.address:
        return person
    at_every_shop = by_address(session, person.address)
    shop_ids = {*at_every_shop.shop_ids, *person.shop_ids}
    return replace(
        at_every_shop,
        language=person.language,
        shop_ids=tuple(sorted(shop_ids)),
        pseudonyms={
            place: at_every_shop.pseudonyms.get(place, frozenset())
            | person.pseudonyms.get(place, frozenset())
            for place in {*at_every_shop.pseudonyms, *person.pseudonyms}
        },
        orders=at_every_shop.orders | person.orders,
        reviews=at_every_shop.reviews | person.reviews,
    )


def with_named_orders(session: Session, person: Person, order_ids: Collection[int]) -> Person:
    """Add orders that the platform named, if they are this person's or nobody's.

    Another buyer's order, named by mistake or to do harm, is left alone.
    """
    whose = orders.c.buyer_pseudonym
    is_theirs = whose.in_(person.all_pseudonyms) | whose.is_(None)
    rows = session.execute(select(orders.c.id).where(orders.c.id.in_(order_ids), is_theirs))
    placed = person.orders | {row.id for row in rows}
    written = find_reviews(session, person.shop_ids, (), placed)
    mine = session.scalars(
        select(reviews.c.id).where(
            reviews.c.id.in_(written),
            reviews.c.buyer_pseudonym.in_(person.all_pseudonyms)
            | reviews.c.buyer_pseudonym.is_(None),
        )
    )
    return replace(person, orders=placed, reviews=person.reviews | frozenset(mine))


def lock(session: Session, person: Person) -> Person:
    """Lock a person's orders, and find rows added since the person was looked up.

    A review in the making locks its order, so it is waited for here and included (PostgreSQL; on
    SQLite there is one writer).
    """
    places = [place for place in person.pseudonyms if place != EVERY_SHOP]
    lock_orders(session, person.orders)
    placed = person.orders | find_orders(session, places, person.all_pseudonyms)
    lock_orders(session, placed - person.orders)
    written = person.reviews | find_reviews(session, places, person.all_pseudonyms, placed)
    return replace(person, orders=placed, reviews=written)


def with_language(person: Person, language: str) -> Person:
    return replace(person, language=language)


def by_orders(session: Session, shop_id: int, order_ids: Iterable[int], language: str) -> Person:
    """Find the person who placed these orders of one shop."""
    ids = frozenset(order_ids)
    whose = orders.c.buyer_pseudonym
    pseudonyms = session.scalars(select(whose).where(orders.c.id.in_(ids), whose.is_not(None)))
    known_as = frozenset(pseudonyms)
    written = find_reviews(session, [shop_id], known_as, ids)
    person = unnamed(shop_id, ids, language)
    return _contact(
        session, replace(person, pseudonyms={shop_id: known_as}, reviews=frozenset(written))
    )


def unnamed(shop_id: int, order_ids: Iterable[int], language: str) -> Person:
    """Give these orders of one shop without looking for who placed them."""
    return Person(
        address="",
        name="",
        language=language,
        shop_ids=(shop_id,),
        pseudonyms={},
        orders=frozenset(order_ids),
        reviews=frozenset(),
    )


def _of_invitation(session: Session, invitation: redeem.Invitation) -> Person:
    shop_id, order_id = invitation.shop_id, invitation.order_id
    only = by_orders(session, shop_id, [order_id], invitation.language)
    authors = session.scalars(
        select(reviews.c.buyer_pseudonym).where(
            reviews.c.id.in_(only.reviews), reviews.c.buyer_pseudonym.is_not(None)
        )
    )
    pseudonyms = only.all_pseudonyms | frozenset(authors)
    if only.address:
        pseudonyms |= frozenset(shop_pseudonyms(shop_id, only.address))
    placed = find_orders(session, [shop_id], pseudonyms) | {order_id}
    written = find_reviews(session, [shop_id], pseudonyms, placed)
    person = replace(
        only, pseudonyms={shop_id: pseudonyms}, orders=frozenset(placed), reviews=frozenset(written)
    )
    return _contact(session, person)


def _contact(session: Session, person: Person) -> Person:
    """Read the address as it was given, and a name for the greeting; the newest order's first."""
    if not person.is_known:
        return replace(person, language=person.language or i18n.FALLBACK)
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
        return replace(person, language=person.language or i18n.FALLBACK)
    return replace(
        person,
        address=row.email,
        is_stored=True,
        name=row.name or "",
        language=i18n.negotiate_language(person.language or None, row.locale),
    )
