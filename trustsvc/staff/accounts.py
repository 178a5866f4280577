"""Staff accounts: add and remove members, make one-time sign-in links."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from trustsvc.crypto import signed_links
from trustsvc.errors import NotFound, Refused
from trustsvc.staff.models import staff, staff_links, staff_sessions
from trustsvc.staff.token_hashes import token_hash

STAFF_LINK_LIFETIME = timedelta(hours=24)
MAX_NAME_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Member:
    """A staff member."""

    id: int
    name: str
    created_at: datetime
    left_at: datetime | None


def add_member(session: Session, name: str, now: datetime) -> int:
    """Add a staff member; the same name twice is two people.

    Raises Refused for an empty or overlong name.
    """
    kept = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in name)
    plain = " ".join(kept.split())
    if not plain or len(plain) > MAX_NAME_LENGTH:
        raise Refused(f"The name must have 1 to {MAX_NAME_LENGTH} characters.")
    new = staff.insert().values(name=plain, created_at=now).returning(staff.c.id)
    return int(session.execute(new).scalar_one())


def make_link(session: Session, staff_id: int, now: datetime) -> str:
    """Make a link that signs a member in once, within 24 hours; it is shown only now.

    Only a keyed hash of its inner id is stored. Earlier links stay valid until they expire.
    Raises NotFound for anybody who is not a current member.
    """
    if not session.scalar(
        select(staff.c.id).where(staff.c.id == staff_id, staff.c.left_at.is_(None))
    ):
        raise NotFound
    link_id = signed_links.new_id()
    session.execute(
        staff_links.insert().values(
            link_hash=token_hash("link", link_id.hex()),
            staff_id=staff_id,
            expires_at=now + STAFF_LINK_LIFETIME,
        )
    )
    return signed_links.url("staff", link_id)


def list_members(session: Session) -> list[Member]:
    """List current and former members."""
    columns = (staff.c.id, staff.c.name, staff.c.created_at, staff.c.left_at)
    return [Member(*row) for row in session.execute(select(*columns).order_by(staff.c.id))]


def remove_member(session: Session, staff_id: int, now: datetime) -> None:
    """Remove a member: links and sessions end at once. A second call does no harm.

    Raises NotFound.
    """
    member = session.execute(
        update(staff).where(staff.c.id == staff_id).values(left_at=now).returning(staff.c.id)
    ).first()
    if member is None:
        raise NotFound
    for table in (staff_links, staff_sessions):
        session.execute(delete(table).where(table.c.staff_id == staff_id))
