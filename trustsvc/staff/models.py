"""Staff members, one-time links and sessions; tokens are stored as keyed hashes."""

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, Table

from trustsvc.crypto.encrypted_column import EncryptedText
from trustsvc.storage.columns import Id, Moment, column, metadata

_KEEP = "staff"

staff = Table(
    "staff",
    metadata,
    column("id", Id, purpose="who decided", retention=_KEEP, primary_key=True),
    column("name", EncryptedText, purpose="to know each other", retention=_KEEP, category="staff"),
    column("created_at", Moment, purpose="works here since", retention=_KEEP),
    column("left_at", Moment, purpose="works here no more", retention=_KEEP, nullable=True),
)

staff_links = Table(
    "staff_links",
    metadata,
    column(
        "link_hash",
        LargeBinary,
        purpose="keyed hash of a one-time link",
        retention="staff_session",
        category="secret",
        primary_key=True,
    ),
    column(
        "staff_id",
        BigInteger,
        ForeignKey("staff.id"),
        purpose="whom it lets in",
        retention="staff_session",
    ),
    column("expires_at", Moment, purpose="until when", retention="staff_session"),
    column("used_at", Moment, purpose="used up", retention="staff_session", nullable=True),
)

staff_sessions = Table(
    "staff_sessions",
    metadata,
    column(
        "session_hash",
        LargeBinary,
        purpose="keyed hash of a session",
        retention="staff_session",
        category="secret",
        primary_key=True,
    ),
    column(
        "staff_id",
        BigInteger,
        ForeignKey("staff.id"),
        purpose="who is signed in",
        retention="staff_session",
    ),
    column("expires_at", Moment, purpose="until when", retention="staff_session"),
)
