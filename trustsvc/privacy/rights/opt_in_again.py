"""End an opt-out on the person's request: invitations are allowed again."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from trustsvc.crypto.pseudonyms import registry_pseudonyms
from trustsvc.privacy import request_log
from trustsvc.privacy.rights import objection_bursts
from trustsvc.privacy.rights.confirmation import confirm, my_data_link
from trustsvc.privacy.rights.people import Person
from trustsvc.registry.opt_out import remove_opt_outs
from trustsvc.storage.columns import EVERY_SHOP


def opt_in_again(
    session: Session,
    person: Person,
    now: datetime,
    shop_ids: Collection[int] | None = None,
    by: str = "person",
) -> bool:
    """End a person's opt-outs at these shops (0: the one for all), or all that are found.

    Whatever their reason: an objection, a bounce, a complaint or an erasure. Registers nobody and
    restores nothing withdrawn: the next order is the first with an invitation. Confirmed by e-mail
    if the address is known, with a link to object again. False if there was none; twice is once. An
    opt-out for all shops can be ended only if the address is known.
    """
    pseudonyms = dict(person.pseudonyms)
    if person.address:
        pseudonyms[EVERY_SHOP] = frozenset(registry_pseudonyms(person.address))
    wanted = {
        shop: some for shop, some in pseudonyms.items() if shop_ids is None or shop in shop_ids
    }
    ended = remove_opt_outs(session, wanted, now)
    # No undoing may bring back what a stranger, or the person, had typed before.
    objection_bursts.forget(session, frozenset().union(*wanted.values()))
    for shop_id in sorted(ended):
        request_log.record_answered(session, request_log.Right.AGAIN, shop_id, by, now)
    if ended and person.address:
        confirm(session, person, "again", now, {"link": my_data_link(session, person, now)})
    return bool(ended)
