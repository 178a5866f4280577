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

KEEP = "decision_log"
RUNS = "service_state"
PACE = "domain_throttle"

# open: asked or about to be · redeemed: a review came · withdrawn: not to be asked (see reason)
invitations = Table(
    "invitations",
    metadata,
    column("id", Id, purpose="ties letters and the review to it", retention=KEEP, primary_key=True),
    column("shop_id", BigInteger, ForeignKey("shops.id"), purpose="who asks", retention=KEEP),
    column(
        "order_id",
        BigInteger,
        ForeignKey("orders.id"),
        purpose="about which order",
        retention=KEEP,
        unique=True,
    ),
    column(
        "link",
        LargeBinary,
        purpose="random id inside the links of its letters",
        retention=KEEP,
        category="pseudonym",
        unique=True,
    ),
    column("state", Text, purpose="open, redeemed or withdrawn", retention=KEEP),
    column("reason", Text, purpose="why it was withdrawn", retention=KEEP, nullable=True),
    column("basis", Text, purpose="legal basis, by rule and wording version", retention=KEEP),
    column("language", Text, purpose="language of the letters and pages", retention=KEEP),
    column("zone", Text, purpose="letters leave in the buyer's daytime", retention=KEEP),
    column(
        "experienced_at",
        Moment,
        purpose="date of the experience, shown at the review",
        retention=KEEP,
    ),
    column("created_at", Moment, purpose="when it was planned", retention=KEEP),
    column("expires_at", Moment, purpose="until when the review link opens", retention=KEEP),
    CheckConstraint("state IN ('open', 'redeemed', 'withdrawn')", name="state"),
    Index("ix_invitations_shop_created", "shop_id", "created_at"),
)

# due: waits for due_at · leased: a sender has it, nothing was said to the mail server yet, safe to
# take again when the lease runs out · handed: the final dot is about to be sent or was; if its
# lease runs out nobody can know (RFC 1047) and it becomes unknown · sent, refused, dropped: settled
messages = Table(
    "messages",
    metadata,
    column("id", Id, purpose="one letter", retention=KEEP, primary_key=True),
    column(
        "invitation_id",
        BigInteger,
        ForeignKey("invitations.id"),
        purpose="of which invitation",
        retention=KEEP,
    ),
    column("kind", Text, purpose="invitation or reminder", retention=KEEP),
    column("state", Text, purpose="what is to be done", retention=KEEP),
    column("due_at", Moment, purpose="when it may leave", retention=KEEP),
    column("tries", Integer, purpose="how often it was tried", retention=KEEP),
    column(
        "waited",
        Integer,
        purpose="seconds between its tries: after 72 hours of them it is given up",
        retention=KEEP,
        server_default="0",
    ),
    column(
        "resent",
        Integer,
        purpose="how often it left again because nobody knew whether it arrived",
        retention=KEEP,
        server_default="0",
    ),
    column("lease", LargeBinary, purpose="which sender has it", retention=KEEP, nullable=True),
    column(
        "leased_until",
        Moment,
        purpose="when another sender may take it",
        retention=KEEP,
        nullable=True,
    ),
    column(
        "sent_at",
        Moment,
        purpose="start of the retention of the address",
        retention=KEEP,
        nullable=True,
    ),
    column(
        "problem",
        Text,
        purpose="why it was refused or dropped, as a code",
        retention=KEEP,
        nullable=True,
    ),
    UniqueConstraint("invitation_id", "kind"),
    CheckConstraint("kind IN ('invitation', 'reminder')", name="kind"),
    CheckConstraint(
        "state IN ('due', 'leased', 'handed', 'sent', 'refused', 'dropped', 'unknown')",
        name="state",
    ),
    Index(
        "ix_messages_due",
        "due_at",
        sqlite_where=text("state = 'due'"),
        postgresql_where=text("state = 'due'"),
    ),
    Index("ix_messages_sent_at", "sent_at"),
    Index(
        "ix_messages_unknown",
        "sent_at",
        sqlite_where=text("state = 'unknown'"),
        postgresql_where=text("state = 'unknown'"),
    ),
    Index(
        "ix_messages_leased",
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
        ForeignKey("messages.id"),
        purpose="about which letter",
        retention=KEEP,
        primary_key=True,
    ),
    column("kind", Text, purpose="what became of the letter", retention=KEEP, primary_key=True),
    column("code", Text, purpose="by which status code", retention=KEEP),
    column("source", Text, purpose="who reported it: mail, postmark or ses", retention=KEEP),
    column("at", Moment, purpose="when it was reported", retention=KEEP, index=True),
    CheckConstraint("kind IN ('delivered', 'delayed', 'soft', 'hard', 'complaint')", name="kind"),
    sqlite_with_rowid=False,
)

# Where a sending service tells what became of letters.
mail_endpoints = Table(
    "mail_endpoints",
    metadata,
    column(
        "door",
        Text,
        purpose="unguessable part of its address",
        retention="service_state",
        primary_key=True,
    ),
    column("provider", Text, purpose="how it speaks", retention="service_state"),
    column(
        "secret",
        EncryptedText,
        purpose="proves what is said at it",
        retention="service_state",
        category="secret",
    ),
    column(
        "topic",
        Text,
        purpose="the one topic that may speak at it",
        retention="service_state",
        nullable=True,
    ),
    column("made_at", Moment, purpose="since when", retention="service_state"),
)

# One row, and only while letters do not leave: no row means that they do.
send_suspensions = Table(
    "send_suspensions",
    metadata,
    column(
        "name",
        Text,
        purpose="what stopped the letters",
        retention="service_state",
        primary_key=True,
    ),
    column("reason", Text, purpose="why, as a code", retention="service_state"),
    column("at", Moment, purpose="since when", retention="service_state"),
)

# A row only while a mail server fails, or since it came back: no row means that all is well.
#   open_until  nobody asks it before; then one letter asks (`probe`: the lease that does)
#   closed_at   it answered again: letters leave slowly at first, `granted_at` the last of them
circuit_breakers = Table(
    "circuit_breakers",
    metadata,
    column(
        "name", Text, purpose="which mail server: host and port", retention=RUNS, primary_key=True
    ),
    column("failures", Integer, purpose="how often in a row it failed", retention=RUNS),
    column("opened", Integer, purpose="how often in a row it was left alone", retention=RUNS),
    column("usual", Integer, purpose="letters in the busiest minute of a week", retention=RUNS),
    column(
        "open_until", Moment, purpose="until when it is left alone", retention=RUNS, nullable=True
    ),
    column(
        "probe",
        LargeBinary,
        purpose="whose letter asks whether it is back",
        retention=RUNS,
        nullable=True,
    ),
    column(
        "closed_at", Moment, purpose="since when it answers again", retention=RUNS, nullable=True
    ),
    column(
        "granted_at",
        Moment,
        purpose="when letters last left since then",
        retention=RUNS,
        nullable=True,
    ),
)

domain_throttles = Table(
    "domain_throttles",
    metadata,
    column(
        "mark",
        LargeBinary,
        purpose="how many letters went to a domain lately (keyed hash)",
        retention=PACE,
        category="pseudonym",
        primary_key=True,
    ),
    column("free_at", Moment, purpose="when the next letter may go there", retention=PACE),
    column(
        "planned_until", Moment, purpose="up to when letters wait for their turn", retention=PACE
    ),
    column("strikes", Integer, purpose="how often in a row it said later", retention=PACE),
    column(
        "quiet_until", Moment, purpose="until when it is left alone", retention=PACE, nullable=True
    ),
    column("forget_at", Moment, purpose="end of its retention", retention=PACE, index=True),
    sqlite_with_rowid=False,
)

# A row for a shop that asked more buyers in an hour than TRUSTSVC_HOURLY_MOST.
volume_guards = Table(
    "volume_guards",
    metadata,
    column(
        "shop_id",
        BigInteger,
        ForeignKey("shops.id"),
        purpose="which",
        retention="shop",
        primary_key=True,
    ),
    column("usual", Integer, purpose="invitations in a usual hour of two weeks", retention="shop"),
    column("usual_at", Moment, purpose="when that was counted", retention="shop"),
    column(
        "counted", Integer, purpose="invitations in the hour it was stopped for", retention="shop"
    ),
    column(
        "paused_at", Moment, purpose="since when its letters wait", retention="shop", nullable=True
    ),
    column(
        "real_until",
        Moment,
        purpose="staff said that its orders are real",
        retention="shop",
        nullable=True,
    ),
)
