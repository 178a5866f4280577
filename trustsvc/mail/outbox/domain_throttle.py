"""The domain throttle: how many messages a minute a domain gets, and a pause when it defers them.

A domain is known by a keyed hash: it can be one person's name.
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
from trustsvc.mail import transport
from trustsvc.mail.message import FailureScope, SendResult
from trustsvc.mail.outbox import rate_policy
from trustsvc.mail.outbox.models import domain_throttles
from trustsvc.storage import db

KEPT = timedelta(hours=1)

_random = secrets.SystemRandom()


def hashes(emails: Mapping[int, str]) -> dict[int, bytes]:
    """Hash the domain of each address, however it is spelt; b"" for one that is no address.

    The key is the newest: after a rotation a domain begins again.
    """
    secret = keyring.newest_key("lookup").secret
    known: dict[str, bytes] = {}
    hash_of = {}
    for message_id, email in emails.items():
        spelt = email.rpartition("@")[2]
        if spelt not in known:
            known[spelt] = _hash(secret, email)
        hash_of[message_id] = known[spelt]
    return hash_of


def _hash(secret: bytes, email: str) -> bytes:
    try:
        domain = address.normalise(email).rpartition("@")[2]
    except address.NotAnAddress:
        return b""
    return pseudonyms.hmac_sha256(secret, f"mail domain:{domain}")[:16]


@dataclass(frozen=True, slots=True)
class DomainSlots:
    """Which messages wait until when, which of them for a paused domain; which domains defer."""

    later: dict[int, datetime] = field(default_factory=dict)
    throttled: set[int] = field(default_factory=set)
    deferring: set[bytes] = field(default_factory=set)


def slots(
    session: Session, of: Mapping[int, bytes], now: datetime, *, ignores_throttle: bool = False
) -> DomainSlots:
    """Give each message its slot: now or a later moment. Messages of now count as sent.

    One SELECT and one INSERT for all of them. A maildir has no rate. Messages that ignore the rate
    use it up all the same, and wait for a paused domain like the others.
    """
    settings = config.current()
    queues: dict[bytes, list[int]] = defaultdict(list)
    if not transport.is_maildir(settings.mail_url):
        for message_id, domain in of.items():
            if domain:
                queues[domain].append(message_id)
    known = _lock(session, queues)
    domain_slots = DomainSlots(
        deferring={hash_ for hash_, domain in known.items() if domain.deferrals}
    )
    domains = {}
    give = rate_policy.slots_at_once if ignores_throttle else rate_policy.slots
    for hash_, message_ids in queues.items():
        before = known.get(hash_) or rate_policy.Domain(now, now)
        given = give(len(message_ids), settings.mail_pace, before, now)
        waiting = message_ids[given.go :]
        domain_slots.later.update(zip(waiting, given.later, strict=True))
        if rate_policy.is_ahead(before.paused_until, now, rate_policy.MAX_DOMAIN_PAUSE):
            domain_slots.throttled.update(waiting)
        domains[hash_] = given.domain
    _write(session, domains, now)
    return domain_slots


def note(
    session: Session, results: Sequence[tuple[bytes, SendResult]], now: datetime
) -> set[bytes]:
    """Count what domains answered; gives those that are paused from now on."""
    known = _lock(session, {domain for domain, _ in results})
    changed: dict[bytes, rate_policy.Domain] = {}
    for hash_, result in results:
        if result.scope is FailureScope.DOMAIN and hash_ in changed:
            continue  # what went out side by side was refused once
        before = changed.get(hash_) or known.get(hash_) or rate_policy.Domain(now, now)
        deferrals = rate_policy.deferrals(before.deferrals, result)
        if not hash_ or deferrals == before.deferrals:
            continue
        is_worse = deferrals > before.deferrals
        wait = rate_policy.domain_pause(deferrals, _random.uniform(0, 1)) if is_worse else None
        until = now + wait if wait else None
        changed[hash_] = rate_policy.Domain(
            before.next_slot_at, before.reserved_until, deferrals, until
        )
    _write(session, changed, now)
    return {hash_ for hash_, domain in changed.items() if domain.paused_until}


def _lock(session: Session, of: Iterable[bytes]) -> dict[bytes, rate_policy.Domain]:
    """Read domains and keep others from changing them meanwhile; always in the same order."""
    wanted = list(of)
    if not wanted:
        return {}
    table = domain_throttles.c
    rows = session.execute(
        select(
            table.domain_hash,
            table.next_slot_at,
            table.reserved_until,
            table.deferrals,
            table.paused_until,
        )
        .where(table.domain_hash.in_(wanted))
        .order_by(table.domain_hash)
        .with_for_update()
    )
    return {row.domain_hash: rate_policy.Domain(*row[1:]) for row in rows}


def _write(session: Session, domains: Mapping[bytes, rate_policy.Domain], now: datetime) -> None:
    if not domains:
        return
    statement = db.insert(domain_throttles)
    changed = {
        name: statement.excluded[name]
        for name in ("next_slot_at", "reserved_until", "deferrals", "paused_until", "forget_at")
    }
    session.execute(
        statement.on_conflict_do_update(index_elements=["domain_hash"], set_=changed),
        [
            {
                "domain_hash": hash_,
                "next_slot_at": one.next_slot_at,
                "reserved_until": one.reserved_until,
                "deferrals": one.deferrals,
                "paused_until": one.paused_until,
                "forget_at": max(now, one.paused_until or now) + KEPT,
            }
            for hash_, one in sorted(domains.items())
        ],
    )
