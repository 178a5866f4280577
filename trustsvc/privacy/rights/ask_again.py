"""Ask those whose objection was undone, although it had been answered, to confirm it.

Their contact is erased; for three days the link that was mailed with their copy still knows it.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc.crypto.pseudonyms import shop_pseudonyms
from trustsvc.orders import privacy_requests
from trustsvc.orders.privacy_requests import PrivacyRequest
from trustsvc.orders.received import PrivacyRequestKind
from trustsvc.privacy.models import my_data_links


def ask(
    session: Session, ended: Sequence[tuple[int, bytes]], since: datetime, now: datetime
) -> int:
    """Have the owners of these opt-outs asked, by shop and pseudonym; gives how many.

    The job does it, as the hour's messages allow. Twice asks again, up to a mailbox's limit of a
    day.
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
        for link in links:
            if theirs.isdisjoint(shop_pseudonyms(shop_id, link.address)):
                continue
            kind = PrivacyRequestKind.OBJECT
            request = PrivacyRequest(kind, shop_id, link.language, link.address)
            privacy_requests.store(session, request, now)
            asked += 1
    return asked
