"""Take in what came back about a letter: stop where nobody is, or where nobody wants it."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import func, literal, select, update
from sqlalchemy.orm import Session

from trustsvc import log
from trustsvc.invitations import redeem, unsubscribe
from trustsvc.invitations.models import invitations, mail_reports, messages
from trustsvc.mail.feedback import complaint_rate
from trustsvc.mail.feedback.parsers.report import Report
from trustsvc.mail.outbox import return_path
from trustsvc.orders import buyer, decision_log
from trustsvc.orders.models import orders
from trustsvc.registry.opt_out import opt_out
from trustsvc.storage import db
from trustsvc.storage.columns import Moment

UNDELIVERABLE = "undeliverable"
COMPLAINT = "complaint"
_CODE = re.compile(r"[A-Za-z0-9._-]{1,40}")  # a provider may one day use another kind of word
SOFT_IN_A_ROW = 3  # letters, not reports: an invitation and its reminder are two
SOFT_FOR = timedelta(days=14)  # a holiday and its full mailbox are over by then

Answer = Literal["taken", "duplicate", "unknown_letter"]

logger = log.get_logger("invitations")


@dataclass(frozen=True, slots=True)
class _About:
    letter_id: int
    letter_kind: str
    letter_state: str
    order_id: int
    shop_id: int
    invitation_state: str
    link: bytes


def take(session: Session, report: Report, source: str, now: datetime) -> Answer:
    """Write a report down and do what it asks for; the second of its kind changes nothing.

    What names no letter of ours changes nothing at all: whoever does not hold the letter cannot
    make its code, so nobody can suppress somebody else. `hard` forgets the contact and suppresses
    it for this shop alone: the report is about a letter of this shop, its proof is weaker than a
    person's own word, and another shop finds out by one letter. `complaint` stops this shop and,
    while the address is known, all: the reader named the sender, and that is the operator's.
    Raises Unavailable when the file of suppressions cannot be written.
    """
    letter_id = return_path.find(session, report.codes)
    if letter_id is None:
        logger.info("a report that names no letter", source=source, kind=report.kind)
        return "unknown_letter"
    about = _about(session, letter_id)
    code = report.status if _CODE.fullmatch(report.status) else "other"
    row = {"letter_id": letter_id, "kind": report.kind, "code": code, "source": source, "at": now}
    once = db.insert(mail_reports).values(**row).on_conflict_do_nothing()
    if session.execute(once.returning(mail_reports.c.letter_id)).first() is None:
        return "duplicate"
    kind = _weighed(session, about, report.kind)
    if kind == "hard":
        _undeliverable(session, about, now)
    elif kind == "complaint":
        _arrived(session, about, now)
        invitation = redeem.find(session, about.link)
        unsubscribe.unsubscribe(session, invitation, now, everywhere=True, reason=COMPLAINT)
    elif kind == "delivered":
        _arrived(session, about, now)
    # Behind the effects: its foreign key holds the order, and a wish to stop takes the suppression
    # first and the order then. Crosswise they would wait for each other.
    step = f"report_{about.letter_kind}"
    decision_log.write(
        session, [decision_log.DecisionLogEntry(about.order_id, step, code, kind, now)]
    )
    if kind == "complaint":
        complaint_rate.weigh(session, now)
    logger.info("report taken", source=source, kind=kind, code=code, letter=letter_id)
    return "taken"


def _about(session: Session, letter_id: int) -> _About:
    row = session.execute(
        select(
            messages.c.id,
            messages.c.kind,
            messages.c.state,
            invitations.c.order_id,
            invitations.c.shop_id,
            invitations.c.state.label("of_invitation"),
            invitations.c.link,
        )
        .join(invitations, invitations.c.id == messages.c.invitation_id)
        .where(messages.c.id == letter_id)
    ).one()
    return _About(*row)


def _weighed(session: Session, about: _About, kind: str) -> str:
    """Weigh a report against what is known: who answered is there, who is never there is not.

    That a letter was delivered before says nothing: large servers take everything in and send a
    bounce afterwards.
    """
    if kind == "hard" and about.invitation_state == "redeemed":
        return "soft"
    if kind == "soft" and _never_there(session, about):
        return "hard"
    return kind


def _never_there(session: Session, about: _About) -> bool:
    """Whether the buyer's last letters of this shop all came back, over more than two weeks."""
    mark = session.scalar(select(orders.c.buyer).where(orders.c.id == about.order_id))
    if mark is None:
        return False
    last = session.execute(
        select(messages.c.id, messages.c.sent_at, mail_reports.c.kind)
        .join_from(orders, invitations, invitations.c.order_id == orders.c.id)
        .join(messages, messages.c.invitation_id == invitations.c.id)
        .outerjoin(
            mail_reports,
            (mail_reports.c.letter_id == messages.c.id) & (mail_reports.c.kind == "soft"),
        )
        .where(
            orders.c.shop_id == about.shop_id,
            orders.c.buyer == mark,
            messages.c.sent_at.is_not(None),
        )
        .order_by(messages.c.sent_at.desc(), messages.c.id.desc())
        .limit(SOFT_IN_A_ROW)
    ).all()
    return (
        len(last) == SOFT_IN_A_ROW
        and all(row.kind for row in last)
        and last[0].sent_at - last[-1].sent_at >= SOFT_FOR
    )


def _undeliverable(session: Session, about: _About, now: datetime) -> None:
    """Forget who cannot be reached; an invitation that never arrived is withdrawn."""
    known = buyer.read(session, [about.order_id]).get(about.order_id)
    mark = session.scalar(select(orders.c.buyer).where(orders.c.id == about.order_id))
    who = known.email if known else mark
    if who:
        opt_out(session, who, about.shop_id, UNDELIVERABLE, now)
    if about.letter_kind == "invitation":
        redeem.withdraw(session, [about.order_id], UNDELIVERABLE, now)
    buyer.erase(session, [about.order_id])
    session.execute(
        update(messages)
        .where(
            messages.c.id == about.letter_id, messages.c.state.in_(("handed", "sent", "unknown"))
        )
        .values(state="refused", problem="bounced", sent_at=None)
    )


def _arrived(session: Session, about: _About, now: datetime) -> None:
    """A letter that nobody could know about was sent after all.

    One that waits to leave again is not sent a second time; whoever has its lease finds it lost.
    """
    session.execute(
        update(messages)
        .where(messages.c.id == about.letter_id, messages.c.state.in_(("due", "leased", "unknown")))
        .values(
            state="sent",
            problem=None,
            sent_at=func.coalesce(messages.c.sent_at, literal(now, Moment)),
        )
    )
