"""Is this buyer registered, opted out, restricted: the one question to the registry.

The seam behind which the registry may be somebody else's one day (then with a blinded question):
rooms above ask `check` and nothing else.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from trustsvc.address import NotAnAddress
from trustsvc.crypto import keyring, pseudonyms
from trustsvc.registry.models import opt_outs, registered_buyers, restrictions

MAX_BATCH_SIZE = 500


@dataclass(frozen=True, slots=True)
class RegistryQuery:
    shop_id: int
    email: str

    def __repr__(self) -> str:
        return f"Question(shop_id={self.shop_id})"


@dataclass(frozen=True, slots=True)
class RegistryStatus:
    registered: bool
    opted_out: bool
    restricted: bool = False


@dataclass(frozen=True, slots=True)
class _Marks:
    shop_id: int
    registry: frozenset[bytes]
    shop: frozenset[bytes]

    def places(self) -> set[tuple[bytes, int]]:
        everywhere = {(mark, 0) for mark in self.registry}
        return everywhere | {(mark, self.shop_id) for mark in self.shop}


def check(session: Session, questions: Sequence[RegistryQuery]) -> list[RegistryStatus]:
    """Answer in the order of the questions; a few queries, however many they are.

    The marks live in memory for the comparison and nowhere else: of a buyer who is not registered
    nothing is written, logged or queued. An address no mark can be made of counts as opted out,
    because a wish to stop could not be kept. A key that is rotated meanwhile makes it look again:
    an opt-out marked with the new key may have been committed since the marks were made.
    """
    while True:
        made_with = _keys()
        answers = _answers(session, questions)
        if _keys() == made_with:
            return answers


def _keys() -> tuple[object, object]:
    return keyring.keys("registry"), keyring.keys("lookup")


def _answers(session: Session, questions: Sequence[RegistryQuery]) -> list[RegistryStatus]:
    marks = [_marks(question) for question in questions]
    everybody = {mark for one in marks if one for mark in one.registry}
    at_shops = {mark for one in marks if one for mark in one.shop}
    known = _registered(session, everybody)
    out = _listed(session, opt_outs, everybody | at_shops)
    frozen = _listed(session, restrictions, everybody | at_shops)
    return [
        RegistryStatus(registered=False, opted_out=True)
        if one is None
        else RegistryStatus(
            registered=not known.isdisjoint(one.registry),
            opted_out=not out.isdisjoint(one.places()),
            restricted=not frozen.isdisjoint(one.places()),
        )
        for one in marks
    ]


def _marks(question: RegistryQuery) -> _Marks | None:
    try:
        return _Marks(
            question.shop_id,
            frozenset(pseudonyms.registry_pseudonyms(question.email)),
            frozenset(pseudonyms.shop_pseudonyms(question.shop_id, question.email)),
        )
    except NotAnAddress:
        return None


def _registered(session: Session, marks: Iterable[bytes]) -> set[bytes]:
    found: set[bytes] = set()
    for some in _some(marks):
        found.update(
            session.scalars(
                select(registered_buyers.c.pseudonym).where(registered_buyers.c.pseudonym.in_(some))
            )
        )
    return found


def _listed(session: Session, table: Table, marks: Iterable[bytes]) -> set[tuple[bytes, int]]:
    found: set[tuple[bytes, int]] = set()
    for some in _some(marks):
        rows = session.execute(
            select(table.c.pseudonym, table.c.shop_id).where(table.c.pseudonym.in_(some))
        )
        found.update((row.pseudonym, row.shop_id) for row in rows)
    return found


def _some(marks: Iterable[bytes]) -> Iterator[list[bytes]]:
    every = list(marks)
    for start in range(0, len(every), MAX_BATCH_SIZE):
        yield every[start : start + MAX_BATCH_SIZE]
