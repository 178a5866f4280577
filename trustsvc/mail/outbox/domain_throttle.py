"""Keep to a pace for each receiving domain, and leave alone the ones that say later.

A domain is known by a keyed one-way mark: it can be one person's name.
"""

import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc import address, config
from trustsvc.crypto import keyring, pseudonyms
from trustsvc.invitations.models import domain_throttles
from trustsvc.mail import transport
from trustsvc.mail.message import DeliveryResult
from trustsvc.mail.outbox import rate_policy
from trustsvc.storage import db

KEPT = timedelta(hours=1)

_dice = secrets.SystemRandom()


def marks(emails: Mapping[int, str]) -> dict[int, bytes]:
    """Mark the domain of each address, however it is spelt; b"" for one that is no address.

    The key is the newest: after a rotation a domain begins anew.
    """
    secret = keyring.newest_key("lookup").secret
    known: dict[str, bytes] = {}
    found = {}
    for number, email in emails.items():
        spelt = email.rpartition("@")[2]
        if spelt not in known:
            known[spelt] = _mark(secret, email)
        found[number] = known[spelt]
    return found


def _mark(secret: bytes, email: str) -> bytes:
    try:
        domain = address.normalise(email).rpartition("@")[2]
    except address.NotAnAddress:
        return b""
    return pseudonyms.hmac_sha256(secret, f"mail domain:{domain}")[:16]


@dataclass(frozen=True, slots=True)
class Turns:
    """Which letters wait until when, which of them for a domain that said later; who said so."""

    later: dict[int, datetime] = field(default_factory=dict)
    shunned: set[int] = field(default_factory=set)
    struck: set[bytes] = field(default_factory=set)


def turns(session: Session, of: Mapping[int, bytes], now: datetime) -> Turns:
    """Give these letters their turns; those that need not wait count as on their way.

    One look and one write for all of them. A maildir has no pace.
    """
    settings = config.current()
    queues: dict[bytes, list[int]] = defaultdict(list)
    if not transport.is_maildir(settings.mail_url):
        for number, mark in of.items():
            if mark:
                queues[mark].append(number)
    known = _read(session, queues)
    found = Turns(struck={mark for mark, domain in known.items() if domain.strikes})
    domains = {}
    for mark, numbers in queues.items():
        before = known.get(mark) or rate_policy.Domain(now, now)
        given = rate_policy.turns(len(numbers), settings.mail_pace, before, now)
        waiting = numbers[given.go :]
        found.later.update(zip(waiting, given.later, strict=True))
        if rate_policy.is_ahead(before.quiet_until, now, rate_policy.LONGEST_QUIET_S):
            found.shunned.update(waiting)
        domains[mark] = given.domain
    _write(session, domains, now)
    return found


def heard(
    session: Session, said: Sequence[tuple[bytes, DeliveryResult]], now: datetime
) -> set[bytes]:
    """Take in what domains said; gives those that are left alone from now on."""
    known = _read(session, {mark for mark, _ in said})
    changed: dict[bytes, rate_policy.Domain] = {}
    for mark, outcome in said:
        before = changed.get(mark) or known.get(mark) or rate_policy.Domain(now, now)
        strikes = rate_policy.strike(before.strikes, outcome)
        if not mark or strikes == before.strikes:
            continue
        wait = (
            rate_policy.quiet(strikes, _dice.uniform(0, 1))
            if strikes > before.strikes
            else timedelta(0)
        )
        until = now + wait if wait else None
        changed[mark] = rate_policy.Domain(before.free_at, before.planned_until, strikes, until)
    _write(session, changed, now)
    return {mark for mark, domain in changed.items() if domain.quiet_until}


def _read(session: Session, of: Iterable[bytes]) -> dict[bytes, rate_policy.Domain]:
    """Read, and keep others from changing it meanwhile; always in the same order."""
    wanted = list(of)
    if not wanted:
        return {}
    table = domain_throttles.c
    rows = session.execute(
        select(table.mark, table.free_at, table.planned_until, table.strikes, table.quiet_until)
        .where(table.mark.in_(wanted))
        .order_by(table.mark)
        .with_for_update()
    )
    return {
        row.mark: rate_policy.Domain(row.free_at, row.planned_until, row.strikes, row.quiet_until)
        for row in rows
    }


def _write(session: Session, domains: Mapping[bytes, rate_policy.Domain], now: datetime) -> None:
    if not domains:
        return
    statement = db.insert(domain_throttles)
    changed = {
        name: statement.excluded[name]
        for name in ("free_at", "planned_until", "strikes", "quiet_until", "forget_at")
    }
    session.execute(
        statement.on_conflict_do_update(index_elements=["mark"], set_=changed),
        [
            {
                "mark": mark,
                "free_at": one.free_at,
                "planned_until": one.planned_until,
                "strikes": one.strikes,
                "quiet_until": one.quiet_until,
                "forget_at": max(now, one.quiet_until or now) + KEPT,
            }
            for mark, one in sorted(domains.items())
        ],
    )
