"""Who works here, their one-time links and their sessions; tokens are kept as keyed hashes."""

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, Table

from trustsvc.crypto.encrypted_column import EncryptedText
from trustsvc.storage.columns import Id, Moment, column, metadata

KEEP = "staff"

staff = Table(
    "staff",
    metadata,
    column("id", Id, why="who decided", keep=KEEP, primary_key=True),
    column("name", EncryptedText, why="to know each other", keep=KEEP, holds="staff"),
    column("created_at", Moment, why="works here since", keep=KEEP),
    column("left_at", Moment, why="works here no more", keep=KEEP, nullable=True),
)

staff_links = Table(
    "staff_links",
    metadata,
    column(
        "link",
        LargeBinary,
        why="keyed hash of a one-time link",
        keep="staff session",
        holds="secret",
        primary_key=True,
    ),
    column(
        "staff_id", BigInteger, ForeignKey("staff.id"), why="whom it lets in", keep="staff session"
    ),
    column("expires_at", Moment, why="until when", keep="staff session"),
    column("used_at", Moment, why="used up", keep="staff session", nullable=True),
)

staff_sessions = Table(
    "staff_sessions",
    metadata,
    column(
        "session",
        LargeBinary,
        why="keyed hash of a session",
        keep="staff session",
        holds="secret",
        primary_key=True,
    ),
    column(
        "staff_id", BigInteger, ForeignKey("staff.id"), why="who is signed in", keep="staff session"
    ),
    column("expires_at", Moment, why="until when", keep="staff session"),
)
