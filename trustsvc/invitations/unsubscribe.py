"""Stop: the buyer does not want to be asked any more, by this shop or by all."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc.crypto import pseudonyms
from trustsvc.invitations import redeem
from trustsvc.orders import buyer
from trustsvc.orders.models import orders
from trustsvc.registry.opt_out import opt_out
from trustsvc.registry.registration import leave
from trustsvc.storage.columns import EVERY_SHOP, sorted_afterwards

REASON = "stop"


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    """What came of it. `everywhere` needs the address: where that is forgotten, one shop is all."""

    shop: bool
    everywhere: bool


def unsubscribe(
    session: Session,
    invitation: redeem.Invitation,
    now: datetime,
    *,
    everywhere: bool,
    reason: str = REASON,
) -> Unsubscribed:
    """Opt the buyer of an invitation out, withdraw what is open at this shop, forget the contact.

    Twice does no harm and says the same. Still works when name and address are forgotten already:
    the shop's pseudonym of the buyer is kept as long as the buyer could be asked again by it. With
    that gone too nothing is left to recognise the buyer by, and nothing to write to.
    """
    order_id, shop_id = invitation.order_id, invitation.shop_id
    known = buyer.read(session, [order_id]).get(order_id)
    stored = session.scalar(select(orders.c.buyer_pseudonym).where(orders.c.id == order_id))
    theirs = {stored} if stored else set()
    if known:
        theirs |= set(pseudonyms.shop_pseudonyms(shop_id, known.email))
        opt_out(session, known.email, shop_id, reason, now)
        if everywhere:
            opt_out(session, known.email, EVERY_SHOP, reason, now)
            leave(session, known.email)  # to say so takes the consent back as well
    elif stored:
        opt_out(session, stored, shop_id, reason, now)
    order_ids = session.scalars(
        select(orders.c.id)
        .where(orders.c.shop_id == shop_id, orders.c.buyer_pseudonym.in_(theirs))
        .order_by(sorted_afterwards(orders.c.id))
        .with_for_update()
    )
    redeem.withdraw(session, {order_id, *order_ids}, reason, now)
    return Unsubscribed(shop=bool(theirs), everywhere=everywhere and known is not None)


def can_unsubscribe_everywhere(session: Session, invitation: redeem.Invitation) -> bool:
    """Whether the address is still known: without it only this shop can be left."""
    return invitation.order_id in buyer.read(session, [invitation.order_id])
