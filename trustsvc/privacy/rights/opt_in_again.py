"""Take it back that one must not be asked: the person may be asked again, from now on."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from trustsvc.crypto.pseudonyms import registry_pseudonyms
from trustsvc.privacy import request_log
from trustsvc.privacy.rights.confirmation import confirm, my_data_link
from trustsvc.privacy.rights.people import EVERY_SHOP, Person
from trustsvc.registry.opt_out import take_back


def opt_in_again(
    session: Session,
    person: Person,
    now: datetime,
    shop_ids: Collection[int] | None = None,
    by: str = "person",
) -> bool:
    """End a person's opt-outs at these shops (0: the one for all), or every one that is found.

    Whatever they came from: a word, a letter that came back, a complaint or an erasure. Nobody is
    registered by it, and what was withdrawn stays so: the next order is the first to be asked
    about. Confirmed by letter where the address is known, with a way to object anew. False when
    there was none: twice is one. One for all shops can be ended only where the address is known.
    """
    marks = dict(person.marks)
    if person.address:
        marks[EVERY_SHOP] = frozenset(registry_pseudonyms(person.address))
    wanted = {place: some for place, some in marks.items() if shop_ids is None or place in shop_ids}
    ended = take_back(session, wanted, now)
    for place in sorted(ended):  # a person's few
        request_log.record_answered(session, "again", place, by, now)
    if ended and person.address:
        confirm(session, person, "again", now, {"link": my_data_link(session, person, now)})
    return bool(ended)
