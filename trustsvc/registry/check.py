"""Look up whether buyers are registered, opted out or restricted.

What decides whether a buyer is asked uses only `statuses`, so that a remote registry, queried
blindly, can replace it.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    CompoundSelect,
    Row,
    TextClause,
    bindparam,
    literal,
    select,
    text,
    union_all,
)
from sqlalchemy.orm import Session

from trustsvc.address import NotAnAddress, normalise
from trustsvc.crypto import keyring, pseudonyms
from trustsvc.registry.models import opt_outs, registered_buyers, restrictions
from trustsvc.storage import db
from trustsvc.storage.batches import batches
from trustsvc.storage.columns import EVERY_SHOP

_Entry = tuple[bytes, int]  # a pseudonym, and at which shop it counts
_REGISTERED, _OPTED_OUT, _RESTRICTED = range(3)
_TABLES = {
    _REGISTERED: (registered_buyers.name, str(EVERY_SHOP)),
    _OPTED_OUT: (opt_outs.name, "shop_id"),
    _RESTRICTED: (restrictions.name, "shop_id"),
}
# As many pseudonyms as one buyer has before a key is rotated twice: to write them out one by one is
# slow, and a buyer is looked up right before each message leaves.
_FEW = 4
# SQLite has no lists: all pseudonyms, which are of one length, in one blob.
_CUT = """
WITH RECURSIVE
    place(first) AS (
        SELECT 1 UNION ALL
        SELECT first + :length FROM place WHERE first + :length <= length(:wanted)
    ),
    wanted(pseudonym) AS MATERIALIZED (SELECT substr(:wanted, first, :length) FROM place)
"""
_UNNESTED = "WITH wanted(pseudonym) AS (SELECT unnest(CAST(:wanted AS bytea[])))"


@dataclass(frozen=True, slots=True)
class RegistryQuery:
    shop_id: int
    email: str

    def __repr__(self) -> str:
        return f"RegistryQuery(shop_id={self.shop_id})"


@dataclass(frozen=True, slots=True)
class RegistryStatus:
    registered: bool
    opted_out: bool
    restricted: bool = False


@dataclass(frozen=True, slots=True)
class _Pseudonyms:
    shop_id: int
    registry: frozenset[bytes]
    shop: frozenset[bytes]

    def is_among(self, entries: Container[_Entry]) -> bool:
        return any((one, EVERY_SHOP) in entries for one in self.registry) or any(
            (one, self.shop_id) in entries for one in self.shop
        )


def statuses(session: Session, queries: Sequence[RegistryQuery]) -> list[RegistryStatus]:
    """Give one status per query, in the same order, with one SQL query per batch.

    The pseudonyms exist in memory only: nothing about an unregistered buyer is written, logged or
    queued. An invalid address counts as opted out, because an opt-out of it could not be stored. If
    a key is rotated meanwhile, the lookup is repeated: an opt-out under the new key may have been
    committed after the pseudonyms were computed.
    """
    while True:
        keys = _keys()
        found = _statuses(session, queries)
        if _keys() == keys:
            return found


def restricted(session: Session, wanted: Iterable[bytes]) -> set[tuple[bytes, int]]:
    """Give the restrictions of these pseudonyms, each with its shop."""
    table = restrictions.c
    entries: set[tuple[bytes, int]] = set()
    for batch in batches(wanted):
        rows = session.execute(
            select(table.pseudonym, table.shop_id).where(table.pseudonym.in_(batch))
        )
        entries.update((row.pseudonym, row.shop_id) for row in rows)
    return entries


def _keys() -> tuple[object, object]:
    return keyring.keys("registry"), keyring.keys("lookup")


def _statuses(session: Session, queries: Sequence[RegistryQuery]) -> list[RegistryStatus]:
    maker = pseudonyms.PseudonymMaker()
    people = [_pseudonyms(maker, query) for query in queries]
    found = _found(session, [person for person in people if person])
    return [
        RegistryStatus(registered=False, opted_out=True)
        if person is None
        else RegistryStatus(
            registered=any((one, EVERY_SHOP) in found[_REGISTERED] for one in person.registry),
            opted_out=person.is_among(found[_OPTED_OUT]),
            restricted=person.is_among(found[_RESTRICTED]),
        )
        for person in people
    ]


def _pseudonyms(maker: pseudonyms.PseudonymMaker, query: RegistryQuery) -> _Pseudonyms | None:
    try:
        plain = normalise(query.email)
    except NotAnAddress:
        return None
    shop_id = query.shop_id
    return _Pseudonyms(shop_id, maker.of_registry(plain), maker.of_shop(shop_id, plain))


def _found(session: Session, people: Sequence[_Pseudonyms]) -> dict[int, set[_Entry]]:
    """Find what is stored of these people, by table."""
    of_registry = sorted({one for person in people for one in person.registry})
    of_shops = sorted({one for person in people for one in person.shop})
    found: dict[int, set[_Entry]] = {source: set() for source in _TABLES}
    if len(of_registry) + len(of_shops) <= _FEW:
        named = {f"pseudonym{at}": one for at, one in enumerate([*of_registry, *of_shops])}
        _add(found, session.connection().execute(_few(len(named)), named))
        return found
    # A shop's pseudonyms are in no large table.
    for wanted, sources in ((of_registry, tuple(_TABLES)), (of_shops, (_OPTED_OUT, _RESTRICTED))):
        for batch in batches(wanted):
            values: dict[str, object] = {"wanted": batch}
            if db.is_sqlite():
                values = {"wanted": b"".join(batch), "length": pseudonyms.PSEUDONYM_BYTES}
            statement = _many(sources, is_sqlite=db.is_sqlite())
            _add(found, session.connection().execute(statement, values))
    return found


def _add(found: dict[int, set[_Entry]], rows: Iterable[Row[*tuple[Any, ...]]]) -> None:
    for source, pseudonym, shop_id in rows:
        found[source].add((bytes(pseudonym), shop_id))


@cache
def _few(number: int) -> CompoundSelect[int, bytes, int]:
    """Build the statement for so many pseudonyms; that takes a while."""
    wanted: list[BindParameter[bytes]] = [bindparam(f"pseudonym{at}") for at in range(number)]
    table = registered_buyers.c
    return union_all(
        select(literal(_REGISTERED), table.pseudonym, literal(EVERY_SHOP)).where(
            table.pseudonym.in_(wanted)
        ),
        *(
            select(literal(source), of.c.pseudonym, of.c.shop_id).where(of.c.pseudonym.in_(wanted))
            for source, of in ((_OPTED_OUT, opt_outs), (_RESTRICTED, restrictions))
        ),
    )


@cache
def _many(sources: tuple[int, ...], *, is_sqlite: bool) -> TextClause:
    """Build the statement for any number, which are one parameter: SQLAlchemy writes none out."""
    looked_up = [
        f"SELECT {source}, {name}.pseudonym, {shop_id} FROM wanted CROSS JOIN {name} "  # noqa: S608 - names of ours
        f"WHERE {name}.pseudonym = wanted.pseudonym"
        for source, (name, shop_id) in _TABLES.items()
        if source in sources
    ]
    return text(f"{_CUT if is_sqlite else _UNNESTED} {' UNION ALL '.join(looked_up)}")
