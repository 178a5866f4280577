"""Submit a review: the invitation is used up and the review written in one transaction."""

import secrets
from datetime import datetime

from sqlalchemy.orm import Session

from trustsvc.errors import Gone
from trustsvc.invitations import redeem
from trustsvc.orders import buyer, personal_data
from trustsvc.registry.check import RegistryQuery, check
from trustsvc.reviews import lookup
from trustsvc.reviews.models import reviews
from trustsvc.reviews.policy import CONSENT_WORDING, Draft
from trustsvc.reviews.state import ReviewState
from trustsvc.storage import event_log


def submit(session: Session, link: bytes, draft: Draft, now: datetime) -> str:
    """Write a buyer's review and give its public id.

    The invitation's inner id is used up first (compare-and-set), so of any number of posts at once
    one writes and the others get the id of what it wrote. The address moves from the order to the
    review, and the order forgets it: its purpose was to invite. Raises NotFound for a link we never
    made, Gone when the invitation was withdrawn or is over.
    """
    invitation = redeem.find(session, link)
    if written := lookup.find_by_invitation(session, invitation.id):
        return written.id
    if not is_open(invitation, now):
        raise Gone
    personal_data.lock_orders(
        session, [invitation.order_id]
    )  # before the invitation, as everywhere
    if not redeem.redeem(session, invitation, now):
        if written := lookup.find_by_invitation(session, invitation.id):
            return written.id
        raise Gone
    return _write(session, invitation, draft, now)


def is_open(invitation: redeem.Invitation, now: datetime) -> bool:
    """Say whether a review may still be written by this invitation."""
    return invitation.state == "open" and now < invitation.expires_at


def _write(session: Session, invitation: redeem.Invitation, draft: Draft, now: datetime) -> str:
    who = buyer.read(session, [invitation.order_id]).get(invitation.order_id)
    frozen = who is not None and _is_restricted(session, invitation.shop_id, who.email)
    public_id = secrets.token_hex(lookup.PUBLIC_ID_LENGTH // 2)
    row_id = session.execute(
        reviews.insert()
        .values(
            public_id=public_id,
            shop_id=invitation.shop_id,
            invitation_id=invitation.id,
            state=ReviewState.PENDING,
            stars=draft.stars,
            title=draft.title,
            text=draft.text,
            name=draft.name,
            city=draft.city,
            email=who.email if who else None,
            reference=who.reference if who else None,
            buyer_pseudonym=who.pseudonym if who else None,
            language=invitation.language,
            consent=draft.consent,
            consent_wording=CONSENT_WORDING,
            experienced_at=invitation.experienced_at,
            submitted_at=now,
            restricted_at=now if frozen else None,
        )
        .returning(reviews.c.id)
    ).scalar_one()
    buyer.erase(session, [invitation.order_id])
    event_log.record(session, "review.submitted", invitation.shop_id, row_id, now)
    return public_id


def _is_restricted(session: Session, shop_id: int, email: str) -> bool:
    """Whoever restricted before writing is kept to it: nothing is shown until they lift it."""
    return check(session, [RegistryQuery(shop_id, email)])[0].restricted
