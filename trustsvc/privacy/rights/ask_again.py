"""Ask those whose objection was undone, although it had been answered, to confirm it.

Their contact is erased; for three days the link that was mailed with their copy still knows it.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc.crypto.pseudonyms import shop_pseudonyms
from trustsvc.privacy.models import my_data_links
from trustsvc.privacy.rights import people
from trustsvc.privacy.rights.confirmation import confirm, my_data_link
from trustsvc.shops import directory

TEMPLATE = "object_shop"


def ask(
    session: Session, ended: Sequence[tuple[int, bytes]], since: datetime, now: datetime
) -> int:
    """Write to the owners of these opt-outs, by shop and pseudonym; gives to how many.

    Twice writes again, up to a mailbox's limit of a day.
    """
    by_shop: dict[int, set[bytes]] = defaultdict(set)
    for shop_id, pseudonym in ended:
        by_shop[shop_id].add(pseudonym)
    table = my_data_links.c
    links = session.execute(
        select(table.address, table.language).where(table.copy.is_not(None), table.at >= since)
    ).all()
    asked = 0
    for shop_id, theirs in by_shop.items():
        slug = directory.by_id(session, shop_id).slug
        for link in links:
            if theirs.isdisjoint(shop_pseudonyms(shop_id, link.address)):
                continue
            person = people.by_address(session, link.address, [shop_id])
            person = people.with_language(person, link.language)
            where = f"{my_data_link(session, person, now)}/object?scope=at-{slug}"
            asked += confirm(session, person, TEMPLATE, now, {"link": where})
    return asked
