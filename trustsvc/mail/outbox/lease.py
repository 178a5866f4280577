"""Lease the letters that are due, after looking once more at every reason not to send."""

import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from trustsvc.invitations import redeem
from trustsvc.invitations.models import invitations, messages
from trustsvc.invitations.planning import eligibility, schedule, volume_guard
from trustsvc.mail.outbox import defer, domain_throttle, lease_renewal, send_suspension
from trustsvc.orders import decision_log
from trustsvc.orders.buyer import Buyer
from trustsvc.orders.buyer import read as read_buyers
from trustsvc.orders.models import orders
from trustsvc.registry import check
from trustsvc.shops import directory

MOST = 500
MOST_LOOKS = 10  # letters that wait for their domain must not stand before the others


@dataclass(frozen=True, slots=True)
class Due:
    """A leased letter, with all that is needed to write it: nothing is read while sending."""

    id: int
    invitation_id: int
    order_id: int
    kind: str
    tries: int
    lease: bytes
    link: bytes
    basis: str
    language: str
    zone: str
    shop: directory.Shop
    buyer: Buyer
    waited: int = 0
    domain: bytes = b""
    is_news: bool = False  # its domain said later before: that it takes this one has to be noted


def lease(session: Session, now: datetime, most: int = MOST) -> list[Due]:
    """Lease up to `most` due letters, for as long as `hold.held` renews it.

    Opt-outs, cancelled and refunded orders, closed shops, invitations that are no longer open and
    the buyer's daytime are read in the same transaction that takes the lease, so whatever was
    committed before it stops the letter; what comes between lease and dot is seen by `look_again`.
    A letter with a reason is dropped with a line in the ledger, one out of hours waits for the next
    morning, one whose domain had enough for now for its turn (slow.py). A sender that died loses
    its lease: see recover.py. While sending is stopped nothing is leased (sending.py), and nothing
    of a shop that is paused (brake.py).
    """
    if most < 1 or send_suspension.stops(session):
        return []
    # One token for all: whoever has it has them all.
    token = secrets.token_bytes(16)
    ready: list[Due] = []
    for _ in range(MOST_LOOKS):
        rows = _take(session, now, MOST)
        if not rows:
            break
        ready += _look(session, rows, token, now, most - len(ready))
        if len(rows) < MOST or len(ready) >= most:
            break
    return ready


def _look(
    session: Session, rows: Sequence[Any], token: bytes, now: datetime, most: int
) -> list[Due]:
    """Lease those of these that may leave now, at most so many; the others are put off or stay."""
    # First the lease, then the look: on PostgreSQL a wish may be committed between two statements.
    _mark(session, [row.id for row in rows], token, now + lease_renewal.LEASE)
    shops = directory.by_ids(session, {row.shop_id for row in rows})
    buyers = read_buyers(session, {row.order_id for row in rows})
    reasons = _reasons(session, rows, shops, buyers, now)
    _drop(session, [row for row in rows if row.id in reasons], reasons, now)
    kept = [row for row in rows if row.id not in reasons]
    later = {row.id: _daytime(row, shops[row.shop_id], now) for row in kept}
    defer.put_off(session, {row.id: (at, 0) for row in kept if (at := later[row.id]) > now})
    awake = [row for row in kept if later[row.id] <= now]
    domains = domain_throttle.marks({row.id: buyers[row.order_id].email for row in awake})
    turns = domain_throttle.turns(session, domains, now)
    defer.for_domain(session, [row for row in awake if row.id in turns.later], turns, now)
    awake = [row for row in awake if row.id not in turns.later]
    ready = awake[:most]
    defer.give_back(session, [row.id for row in awake[most:]])
    return [
        Due(
            id=row.id,
            invitation_id=row.invitation_id,
            order_id=row.order_id,
            kind=row.kind,
            tries=row.tries,
            lease=token,
            link=row.link,
            basis=row.basis,
            language=row.language,
            zone=row.zone,
            shop=shops[row.shop_id],
            buyer=buyers[row.order_id],
            waited=row.waited,
            domain=domains[row.id],
            is_news=domains[row.id] in turns.struck,
        )
        for row in ready
    ]


def look_again(session: Session, one: Due, now: datetime) -> bool:
    """Say whether a leased letter may still leave; asked in the transaction before its final dot.

    A round can last minutes: who cancelled, stopped or objected since the lease was taken is heard.
    A letter that may not leave is dropped with its reason.
    """
    row = session.execute(
        _letters().where(
            messages.c.id == one.id, messages.c.lease == one.lease, messages.c.state == "leased"
        )
    ).first()
    if row is None:
        return False
    shops = directory.by_ids(session, {row.shop_id})
    buyers = read_buyers(session, {row.order_id})
    reasons = _reasons(session, [row], shops, buyers, now)
    if reasons:
        _drop(session, [row], reasons, now)
    return not reasons


def _take(session: Session, now: datetime, most: int) -> Sequence[Any]:
    return session.execute(
        _letters()
        .where(
            messages.c.state == "due",
            messages.c.due_at <= now,
            invitations.c.shop_id.not_in(volume_guard.paused_shop_ids()),
        )
        .order_by(messages.c.due_at, messages.c.id)
        .limit(most)
        .with_for_update(of=[orders, invitations, messages], skip_locked=True)
    ).all()


def _letters() -> Select[Any]:
    return (
        select(
            messages.c.id,
            messages.c.kind,
            messages.c.tries,
            messages.c.waited,
            messages.c.invitation_id,
            invitations.c.order_id,
            invitations.c.shop_id,
            invitations.c.state,
            invitations.c.link,
            invitations.c.basis,
            invitations.c.language,
            invitations.c.zone,
            invitations.c.expires_at,
            orders.c.consent,
            orders.c.cancelled_at,
            orders.c.refunded_at,
        )
        .join_from(messages, invitations, invitations.c.id == messages.c.invitation_id)
        .join(orders, orders.c.id == invitations.c.order_id)
    )


def _mark(session: Session, letter_ids: Sequence[int], token: bytes, until: datetime) -> None:
    session.execute(
        update(messages)
        .where(messages.c.id.in_(letter_ids))
        .values(state="leased", lease=token, leased_until=until)
    )


def _reasons(
    session: Session,
    rows: Sequence[Any],
    shops: Mapping[int, directory.Shop],
    buyers: Mapping[int, Buyer],
    now: datetime,
) -> dict[int, str]:
    known = [row for row in rows if row.order_id in buyers]
    questions = [check.RegistryQuery(row.shop_id, buyers[row.order_id].email) for row in known]
    answers = check.check(session, questions)
    of = {row.id: answer for row, answer in zip(known, answers, strict=True)}
    reasons: dict[int, str] = {}
    for row in rows:
        if row.state != "open":
            reasons[row.id] = f"invitation_{row.state}"
        elif row.id not in of:
            reasons[row.id] = "no_contact"
        elif row.expires_at <= now:
            reasons[row.id] = "expired"
        else:
            answer = of[row.id]
            now_known = eligibility.BuyerStatus(
                answer.registered,
                answer.opted_out,
                recently_invited=False,
                restricted=answer.restricted,
            )
            basis = row.basis.partition(" ")[0]
            reason = eligibility.still_eligible(shops[row.shop_id], row, now_known, basis)
            if reason:
                reasons[row.id] = reason
    return reasons


def _drop(session: Session, rows: Sequence[Any], reasons: Mapping[int, str], now: datetime) -> None:
    by_reason: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        by_reason[reasons[row.id]].append(row)
    for reason, some in by_reason.items():
        session.execute(
            update(messages)
            .where(messages.c.id.in_([row.id for row in some]))
            .values(state="dropped", problem=reason)
        )
        decision_log.write(
            session,
            [
                decision_log.DecisionLogEntry(row.order_id, "send", reason, "dropped", now)
                for row in some
            ],
        )
        if reason != "restricted":  # then the buyer is kept, and may be asked once it is lifted
            redeem.withdraw(session, [row.order_id for row in some], reason, now)


def _daytime(row: Any, shop: directory.Shop, now: datetime) -> datetime:
    return schedule.daytime(now, row.zone, on_weekdays=shop.delay_unit == "weekdays")
