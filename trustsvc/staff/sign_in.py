"""Sign in by a one-time link, and sign out."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from trustsvc.crypto import signed_links
from trustsvc.errors import Gone
from trustsvc.staff.models import staff, staff_links, staff_sessions
from trustsvc.staff.token_hashes import token_hash, token_hashes

SESSION_LIFETIME = timedelta(hours=12)


def is_link_open(session: Session, token: str, now: datetime) -> bool:
    """Whether a link is valid; changes nothing, because mail scanners open links too.

    Raises NotFound for a link we never signed for this purpose.
    """
    return session.scalar(select(staff_links.c.staff_id).where(*_open(token, now))) is not None


def sign_in(session: Session, token: str, now: datetime) -> str:
    """Use the link and begin a session; returns its secret, which only the browser keeps.

    Of concurrent posts one succeeds. Raises NotFound for a link we never signed, Gone for one that
    is used or expired.
    """
    staff_id = session.execute(
        update(staff_links)
        .where(*_open(token, now))
        .values(used_at=now)
        .returning(staff_links.c.staff_id)
    ).scalar()
    if staff_id is None:
        raise Gone
    secret = secrets.token_urlsafe(32)
    session.execute(
        staff_sessions.insert().values(
            session_hash=token_hash("session", secret),
            staff_id=staff_id,
            expires_at=now + SESSION_LIFETIME,
        )
    )
    return secret


def sign_out(session: Session, secret: str) -> None:
    """End a session; a second call does no harm."""
    session.execute(
        delete(staff_sessions).where(
            staff_sessions.c.session_hash.in_(token_hashes("session", secret))
        )
    )


def _open(token: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    link_id = signed_links.verify("staff", token)
    works_here = select(staff.c.id).where(staff.c.left_at.is_(None))
    return (
        staff_links.c.link_hash.in_(token_hashes("link", link_id.hex())),
        staff_links.c.used_at.is_(None),
        staff_links.c.expires_at > now,
        staff_links.c.staff_id.in_(works_here),
    )
