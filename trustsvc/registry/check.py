"""Look up whether buyers are registered, opted out or restricted.

What decides whether a buyer is asked uses only `statuses`, so that a remote registry, queried
blindly, can replace it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import (
    BindParameter,
    CompoundSelect,
    CursorResult,
    bindparam,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from trustsvc.address import NotAnAddress
from trustsvc.crypto import keyring, pseudonyms
from trustsvc.registry.models import opt_outs, registered_buyers, restrictions
from trustsvc.storage.batches import batches
from trustsvc.storage.columns import EVERY_SHOP

_REGISTERED, _OPTED_OUT, _RESTRICTED = range(3)
# As many pseudonyms as one buyer has before a key is rotated twice: to write them out one by one is
# slow, and a buyer is looked up right before each message leaves.
_FEW = 4


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

    def entries(self) -> set[tuple[bytes, int]]:
        everywhere = {(pseudonym, EVERY_SHOP) for pseudonym in self.registry}
        return everywhere | {(pseudonym, self.shop_id) for pseudonym in self.shop}


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
    people = [_pseudonyms(query) for query in queries]
    wanted = {x for person in people if person for x in (*person.registry, *person.shop)}
    registered: set[bytes] = set()
    opted_out: set[tuple[bytes, int]] = set()
    restrictions_of: set[tuple[bytes, int]] = set()
    for batch in batches(wanted):
        for source, pseudonym, shop_id in _entries(session, batch):
            if source == _REGISTERED:
                registered.add(pseudonym)
            else:
                entries = opted_out if source == _OPTED_OUT else restrictions_of
                entries.add((pseudonym, shop_id))
    return [
        RegistryStatus(registered=False, opted_out=True)
        if person is None
        else RegistryStatus(
            registered=not registered.isdisjoint(person.registry),
            opted_out=not opted_out.isdisjoint(person.entries()),
            restricted=not restrictions_of.isdisjoint(person.entries()),
        )
        for person in people
    ]


def _pseudonyms(query: RegistryQuery) -> _Pseudonyms | None:
    try:
        return _Pseudonyms(
            query.shop_id,
            frozenset(pseudonyms.registry_pseudonyms(query.email)),
            frozenset(pseudonyms.shop_pseudonyms(query.shop_id, query.email)),
        )
    except NotAnAddress:
        return None


def _entries(session: Session, batch: list[bytes]) -> CursorResult[int, bytes, int]:
    """Find what is stored of pseudonyms: from which table, and for which shop."""
    if len(batch) > _FEW:
        return session.connection().execute(_statement(0), {"pseudonyms": batch})
    named = {f"pseudonym{at}": one for at, one in enumerate(batch)}
    return session.connection().execute(_statement(len(batch)), named)


@cache
def _statement(few: int) -> CompoundSelect[int, bytes, int]:
    """Build the statement for so many pseudonyms, or for any number; that takes a while."""
    many: BindParameter[bytes] = bindparam("pseudonyms", expanding=True)
    named: list[BindParameter[bytes]] = [bindparam(f"pseudonym{at}") for at in range(few)]
    wanted = named or many
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
