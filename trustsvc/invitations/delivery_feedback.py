"""What a bounce or a complaint about an invitation means: forget who cannot be reached, or stop."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from trustsvc.invitations import redeem, unsubscribe
from trustsvc.invitations.models import INVITATION, REMINDER, invitations, message_of_invitation
from trustsvc.invitations.state import REDEEMED, InvitationState
from trustsvc.mail.feedback.models import mail_reports
from trustsvc.mail.outbox.kinds import ReportedMessage
from trustsvc.mail.outbox.models import messages
from trustsvc.orders import buyer, decision_log
from trustsvc.orders.decision_codes import DecisionStep, Outcome
from trustsvc.orders.models import orders
from trustsvc.registry.opt_out import opt_out

UNDELIVERABLE = "undeliverable"
COMPLAINT = "complaint"
REPORT_STEPS = {INVITATION: DecisionStep.REPORT_INVITATION, REMINDER: DecisionStep.REPORT_REMINDER}
MAX_SOFT_BOUNCES = 3  # messages, not reports: an invitation and its reminder are two
SOFT_BOUNCES_FOR = timedelta(days=14)  # a holiday and its full mailbox are over by then


@dataclass(frozen=True, slots=True)
class _Subject:
    order_id: int
    shop_id: int
    state: InvitationState
    link: bytes
    buyer_pseudonym: bytes | None


def apply(
    session: Session, message: ReportedMessage, report_kind: str, code: str, now: datetime
) -> str:
    """Do what a report asks for; gives the kind it was taken as.

    `hard` forgets the contact and suppresses it for this shop alone. The report is about a message
    of this shop, and it proves less than a person's own word. Another shop finds out by one message
    of its own. `complaint` stops this shop and, while the address is known, all: the reader named
    the sender, and that is the operator's. Raises Unavailable when the suppression journal cannot
    be written.
    """
    one = _read(session, message)
    kind = _taken_as(session, one, report_kind)
    if kind == "hard":
        _forget(session, message, one, now)
    elif kind == "complaint":
        invitation = redeem.find(session, one.link)
        unsubscribe.unsubscribe(session, invitation, now, everywhere=True, reason=COMPLAINT)
    # After the effects: its foreign key locks the order, and an opt-out takes the suppression
    # first and the order then. In another order they would deadlock.
    step = REPORT_STEPS[message.kind]
    decision_log.write(
        session, [decision_log.DecisionLogEntry(one.order_id, step, code, Outcome(kind), now)]
    )
    return kind


def _read(session: Session, message: ReportedMessage) -> _Subject:
    row = session.execute(
        select(
            invitations.c.order_id,
            invitations.c.shop_id,
            invitations.c.state,
            invitations.c.link,
            orders.c.buyer_pseudonym,
        )
        .join(orders, orders.c.id == invitations.c.order_id)
        .where(invitations.c.id == message.subject_id)
    ).one()
    return _Subject(**(row._asdict() | {"state": InvitationState(row.state)}))


def _taken_as(session: Session, one: _Subject, kind: str) -> str:
    """Weigh a bounce by what is known of its mailbox.

    A hard bounce of a buyer who wrote a review counts as soft: the mailbox exists. A soft one
    counts as hard when all of the last messages came back. A delivery report from before proves
    nothing: large servers accept everything and send a bounce afterwards.
    """
    if kind == "hard" and one.state == REDEEMED:
        return "soft"
    if kind == "soft" and _is_never_there(session, one):
        return "hard"
    return kind


def _is_never_there(session: Session, one: _Subject) -> bool:
    """Whether the buyer's last messages of this shop all came back, over more than two weeks."""
    if one.buyer_pseudonym is None:
        return False
    is_soft = and_(mail_reports.c.message_id == messages.c.id, mail_reports.c.kind == "soft")
    last = session.execute(
        select(messages.c.id, messages.c.sent_at, mail_reports.c.kind)
        .join_from(orders, invitations, invitations.c.order_id == orders.c.id)
        .join(messages, message_of_invitation)
        .outerjoin(mail_reports, is_soft)
        .where(
            orders.c.shop_id == one.shop_id,
            orders.c.buyer_pseudonym == one.buyer_pseudonym,
            messages.c.sent_at.is_not(None),
        )
        .order_by(messages.c.sent_at.desc(), messages.c.id.desc())
        .limit(MAX_SOFT_BOUNCES)
    ).all()
    return (
        len(last) == MAX_SOFT_BOUNCES
        and all(row.kind for row in last)
        and last[0].sent_at - last[-1].sent_at >= SOFT_BOUNCES_FOR
    )


def _forget(session: Session, message: ReportedMessage, one: _Subject, now: datetime) -> None:
    """Forget who cannot be reached; an invitation that never arrived is withdrawn."""
    known = buyer.read(session, [one.order_id]).get(one.order_id)
    who = known.email if known else one.buyer_pseudonym
    if who:
        opt_out(session, who, one.shop_id, UNDELIVERABLE, now)
    if message.kind == INVITATION:
        redeem.withdraw(session, [one.order_id], UNDELIVERABLE, now)
    buyer.erase(session, [one.order_id])
