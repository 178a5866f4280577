"""Staff sessions, checked by `http.access` for every staff page."""

from dataclasses import dataclass, field

from cryptography.hazmat.primitives import constant_time
from sqlalchemy import select

from trustsvc import clock, config
from trustsvc.errors import Refused
from trustsvc.staff.models import staff, staff_sessions
from trustsvc.staff.token_hashes import token_hash, token_hashes
from trustsvc.storage import db

MAX_TOKEN_LENGTH = 100


@dataclass(frozen=True, slots=True)
class StaffSession:
    """A signed-in member; `form_token` goes into each form and proves that it is our form."""

    staff_id: int
    name: str = field(repr=False)
    form_token: str = field(repr=False)


def cookie_name() -> str:
    """Name the session cookie: browsers accept `__Secure-` over TLS only (RFC 6265bis 4.1.3.1)."""
    return "__Secure-desk" if is_secure() else "desk"


def is_secure() -> bool:
    return config.current().base_url.startswith("https:")


def find_session(cookie: str) -> StaffSession | None:
    """Find the session of a cookie; None when unknown, expired, or the member has left."""
    if not cookie or len(cookie) > MAX_TOKEN_LENGTH or not cookie.isascii():
        return None
    with db.reading() as session:
        row = session.execute(
            select(staff.c.id, staff.c.name)
            .join_from(staff_sessions, staff, staff.c.id == staff_sessions.c.staff_id)
            .where(
                staff_sessions.c.session_hash.in_(token_hashes("session", cookie)),
                staff_sessions.c.expires_at > clock.now(),
                staff.c.left_at.is_(None),
            )
        ).first()
    return StaffSession(row.id, row.name, token_hash("form", cookie).hex()) if row else None


def check_form(staff: StaffSession, token: str) -> None:
    """Raise Refused for a form that did not come from this session's pages (CSRF)."""
    if not constant_time.bytes_eq(token.encode(errors="replace"), staff.form_token.encode()):
        raise Refused("This form is no longer good: load the page again.")
