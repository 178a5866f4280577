"""Submit a review: the invitation is used up and the review written in one transaction."""

import secrets
from datetime import datetime

from sqlalchemy.orm import Session

from trustsvc.errors import Gone
from trustsvc.invitations import redeem
from trustsvc.invitations.state import InvitationState
from trustsvc.orders import buyer, personal_data
from trustsvc.registry import check
from trustsvc.reviews import lookup
from trustsvc.reviews.models import reviews
from trustsvc.reviews.policy import CONSENT_WORDING, ReviewInput
from trustsvc.reviews.state import ReviewState, review_states
from trustsvc.storage import event_log


def submit(session: Session, link: bytes, review: ReviewInput, now: datetime) -> str:
    """Write a buyer's review; returns its public id.

    The invitation is redeemed first (compare-and-set): of concurrent posts one writes, and the
    others get the id of that review. The address moves from the order to the review and is erased
    from the order, where its purpose was to invite. Raises NotFound for an unknown link, Gone for
    an invitation that is withdrawn or expired.
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
    return _write(session, invitation, review, now)


def is_open(invitation: redeem.Invitation, now: datetime) -> bool:
    """Whether a review may still be written by this invitation."""
    return invitation.state == InvitationState.OPEN and now < invitation.expires_at


def _write(
    session: Session, invitation: redeem.Invitation, review: ReviewInput, now: datetime
) -> str:
    who = buyer.read(session, [invitation.order_id]).get(invitation.order_id)
    restricted = who is not None and _is_restricted(session, invitation.shop_id, who.email)
    public_id = secrets.token_hex(lookup.PUBLIC_ID_LENGTH // 2)
    row_id = session.execute(
        reviews.insert()
        .values(
            public_id=public_id,
            shop_id=invitation.shop_id,
            invitation_id=invitation.id,
            state=review_states.begin(ReviewState.PENDING),
            stars=review.stars,
            title=review.title,
            text=review.text,
            name=review.name,
            city=review.city,
            email=who.email if who else None,
            reference=who.reference if who else None,
            buyer_pseudonym=who.pseudonym if who else None,
            language=invitation.language,
            consent=review.consent,
            consent_wording=CONSENT_WORDING,
            experienced_at=invitation.experienced_at,
            submitted_at=now,
            restricted_at=now if restricted else None,
        )
        .returning(reviews.c.id)
    ).scalar_one()
    buyer.erase(session, [invitation.order_id])
    event_log.record(session, "review.submitted", invitation.shop_id, row_id, now)
    return public_id


def _is_restricted(session: Session, shop_id: int, email: str) -> bool:
    """A restriction made before writing holds for the review until its author lifts it."""
    return check.statuses(session, [check.RegistryQuery(shop_id, email)])[0].restricted
