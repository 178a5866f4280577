"""The invitations' tables: whom we ask, and each letter on its way."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from trustsvc.crypto.encrypted_column import EncryptedText
from trustsvc.storage.columns import Id, Moment, column, metadata

KEEP = "ledger"
RUNS = "as long as the service runs"
PACE = "mail pace"

# open: asked or about to be · redeemed: a review came · withdrawn: not to be asked (see reason)
invitations = Table(
    "invitations",
    metadata,
    column("id", Id, why="ties letters and the review to it", keep=KEEP, primary_key=True),
    column("shop_id", BigInteger, ForeignKey("shops.id"), why="who asks", keep=KEEP),
    column(
        "order_id",
        BigInteger,
        ForeignKey("orders.id"),
        why="about which order",
        keep=KEEP,
        unique=True,
    ),
    column(
        "link",
        LargeBinary,
        why="random id inside the links of its letters",
        keep=KEEP,
        holds="pseudonym",
        unique=True,
    ),
    column("state", Text, why="open, redeemed or withdrawn", keep=KEEP),
    column("reason", Text, why="why it was withdrawn", keep=KEEP, nullable=True),
    column("basis", Text, why="legal basis, by rule and wording version", keep=KEEP),
    column("language", Text, why="language of the letters and pages", keep=KEEP),
    column("zone", Text, why="letters leave in the buyer's daytime", keep=KEEP),
    column("experienced_at", Moment, why="date of the experience, shown at the review", keep=KEEP),
    column("created_at", Moment, why="when it was planned", keep=KEEP),
    column("expires_at", Moment, why="until when the review link opens", keep=KEEP),
    CheckConstraint("state IN ('open', 'redeemed', 'withdrawn')", name="state"),
    Index("ix_invitations_shop_created", "shop_id", "created_at"),
)

# due: waits for due_at · leased: a sender has it, nothing was said to the mail server yet, safe to
# take again when the lease runs out · handed: the final dot is about to be sent or was; if its
# lease runs out nobody can know (RFC 1047) and it becomes unknown · sent, refused, dropped: settled
letters = Table(
    "letters",
    metadata,
    column("id", Id, why="one letter", keep=KEEP, primary_key=True),
    column(
        "invitation_id",
        BigInteger,
        ForeignKey("invitations.id"),
        why="of which invitation",
        keep=KEEP,
    ),
    column("kind", Text, why="invitation or reminder", keep=KEEP),
    column("state", Text, why="what is to be done", keep=KEEP),
    column("due_at", Moment, why="when it may leave", keep=KEEP),
    column("tries", Integer, why="how often it was tried", keep=KEEP),
    column(
        "waited",
        Integer,
        why="seconds between its tries: after 72 hours of them it is given up",
        keep=KEEP,
        server_default="0",
    ),
    column(
        "resent",
        Integer,
        why="how often it left again because nobody knew whether it arrived",
        keep=KEEP,
        server_default="0",
    ),
    column("lease", LargeBinary, why="which sender has it", keep=KEEP, nullable=True),
    column("leased_until", Moment, why="when another sender may take it", keep=KEEP, nullable=True),
    column(
        "sent_at", Moment, why="start of the retention of the address", keep=KEEP, nullable=True
    ),
    column(
        "problem", Text, why="why it was refused or dropped, as a code", keep=KEEP, nullable=True
    ),
    UniqueConstraint("invitation_id", "kind"),
    CheckConstraint("kind IN ('invitation', 'reminder')", name="kind"),
    CheckConstraint(
        "state IN ('due', 'leased', 'handed', 'sent', 'refused', 'dropped', 'unknown')",
        name="state",
    ),
    Index(
        "ix_letters_due",
        "due_at",
        sqlite_where=text("state = 'due'"),
        postgresql_where=text("state = 'due'"),
    ),
    Index("ix_letters_sent_at", "sent_at"),
    Index(
        "ix_letters_unknown",
        "sent_at",
        sqlite_where=text("state = 'unknown'"),
        postgresql_where=text("state = 'unknown'"),
    ),
    Index(
        "ix_letters_leased",
        "leased_until",
        sqlite_where=text("state IN ('leased', 'handed')"),
        postgresql_where=text("state IN ('leased', 'handed')"),
    ),
)

# What came back about a letter: one row a class at most, so whatever comes twice, or comes from two
# sides, or is sent a thousand times by somebody who knows a letter's code, counts once.
mail_reports = Table(
    "mail_reports",
    metadata,
    column(
        "letter_id",
        BigInteger,
        ForeignKey("letters.id"),
        why="about which letter",
        keep=KEEP,
        primary_key=True,
    ),
    column("kind", Text, why="what became of the letter", keep=KEEP, primary_key=True),
    column("code", Text, why="by which status code", keep=KEEP),
    column("source", Text, why="who reported it: mail, postmark or ses", keep=KEEP),
    column("at", Moment, why="when it was reported", keep=KEEP, index=True),
    CheckConstraint("kind IN ('delivered', 'delayed', 'soft', 'hard', 'complaint')", name="kind"),
    sqlite_with_rowid=False,
)

# Where a sending service tells what became of letters.
mail_doors = Table(
    "mail_doors",
    metadata,
    column(
        "door",
        Text,
        why="unguessable part of its address",
        keep="as long as the service runs",
        primary_key=True,
    ),
    column("provider", Text, why="how it speaks", keep="as long as the service runs"),
    column(
        "secret",
        EncryptedText,
        why="proves what is said at it",
        keep="as long as the service runs",
        holds="secret",
    ),
    column(
        "topic",
        Text,
        why="the one topic that may speak at it",
        keep="as long as the service runs",
        nullable=True,
    ),
    column("made_at", Moment, why="since when", keep="as long as the service runs"),
)

# One row, and only while letters do not leave: no row means that they do.
sending_stops = Table(
    "sending_stops",
    metadata,
    column(
        "name",
        Text,
        why="what stopped the letters",
        keep="as long as the service runs",
        primary_key=True,
    ),
    column("reason", Text, why="why, as a code", keep="as long as the service runs"),
    column("at", Moment, why="since when", keep="as long as the service runs"),
)

# A row only while a mail server fails, or since it came back: no row means that all is well.
#   open_until  nobody asks it before; then one letter asks (`probe`: the lease that does)
#   closed_at   it answered again: letters leave slowly at first, `granted_at` the last of them
mail_servers = Table(
    "mail_servers",
    metadata,
    column("name", Text, why="which mail server: host and port", keep=RUNS, primary_key=True),
    column("failures", Integer, why="how often in a row it failed", keep=RUNS),
    column("opened", Integer, why="how often in a row it was left alone", keep=RUNS),
    column("usual", Integer, why="letters in the busiest minute of a week", keep=RUNS),
    column("open_until", Moment, why="until when it is left alone", keep=RUNS, nullable=True),
    column(
        "probe", LargeBinary, why="whose letter asks whether it is back", keep=RUNS, nullable=True
    ),
    column("closed_at", Moment, why="since when it answers again", keep=RUNS, nullable=True),
    column("granted_at", Moment, why="when letters last left since then", keep=RUNS, nullable=True),
)

mail_domains = Table(
    "mail_domains",
    metadata,
    column(
        "mark",
        LargeBinary,
        why="how many letters went to a domain lately (keyed hash)",
        keep=PACE,
        holds="pseudonym",
        primary_key=True,
    ),
    column("free_at", Moment, why="when the next letter may go there", keep=PACE),
    column("planned_until", Moment, why="up to when letters wait for their turn", keep=PACE),
    column("strikes", Integer, why="how often in a row it said later", keep=PACE),
    column("quiet_until", Moment, why="until when it is left alone", keep=PACE, nullable=True),
    column("forget_at", Moment, why="end of its retention", keep=PACE, index=True),
    sqlite_with_rowid=False,
)

# A row for a shop that asked more buyers in an hour than TRUSTSVC_HOURLY_MOST.
shop_brakes = Table(
    "shop_brakes",
    metadata,
    column(
        "shop_id", BigInteger, ForeignKey("shops.id"), why="which", keep="shop", primary_key=True
    ),
    column("usual", Integer, why="invitations in a usual hour of two weeks", keep="shop"),
    column("usual_at", Moment, why="when that was counted", keep="shop"),
    column("counted", Integer, why="invitations in the hour it was stopped for", keep="shop"),
    column("paused_at", Moment, why="since when its letters wait", keep="shop", nullable=True),
    column(
        "real_until", Moment, why="staff said that its orders are real", keep="shop", nullable=True
    ),
)
