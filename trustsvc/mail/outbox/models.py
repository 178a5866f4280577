"""The outbox's tables: every outbound message, and what keeps messages from leaving."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    TextClause,
    UniqueConstraint,
    false,
    text,
)

from trustsvc.mail.outbox.state import DUE, HANDED, LEASED, SENT, UNKNOWN, message_states
from trustsvc.storage.columns import Id, Moment, column, index_of_states, metadata, partial_index

_KEEP = "decision_log"
RUNS = "service_state"
_THROTTLE_RULE = "domain_throttle"
HELD_BY_SENDER = (LEASED, HANDED)


def to_follow_up(table: str = "messages.") -> TextClause:
    """Give the condition of ix_messages_to_follow_up; a query repeats it to use the index."""
    return text(f"{table}state = '{SENT.value}' AND NOT {table}followed_up")


# A message on its way or settled; what its states mean is in state.py. What it says is written when
# it is sent, from the row of `kind` that `subject_id` names.
messages = Table(
    "messages",
    metadata,
    column("id", Id, purpose="one message", retention=_KEEP, primary_key=True),
    column("kind", Text, purpose="what it is: invitation, reminder, ...", retention=_KEEP),
    column("subject_id", BigInteger, purpose="the row it is about, by kind", retention=_KEEP),
    column("shop_id", BigInteger, purpose="in whose name, 0 for the service", retention=_KEEP),
    column(
        "priority",
        SmallInteger,
        purpose="what a person waits for leaves first",
        retention=_KEEP,
    ),
    column(
        "token",
        LargeBinary,
        purpose="random, names the message in Message-ID and return path, alike at each attempt",
        retention=_KEEP,
        category="pseudonym",
        unique=True,
    ),
    column("state", Text, purpose="what is to be done", retention=_KEEP),
    column("due_at", Moment, purpose="when it may leave", retention=_KEEP),
    column("attempts", Integer, purpose="how often it was tried", retention=_KEEP),
    column(
        "waited_s",
        Integer,
        purpose="seconds between its attempts: after 72 hours of them it is refused",
        retention=_KEEP,
        server_default="0",
    ),
    column(
        "resent",
        Integer,
        purpose="how often it left again because nobody knew whether it arrived",
        retention=_KEEP,
        server_default="0",
    ),
    column("lease", LargeBinary, purpose="which sender has it", retention=_KEEP, nullable=True),
    column(
        "leased_until",
        Moment,
        purpose="when another sender may take it",
        retention=_KEEP,
        nullable=True,
    ),
    column(
        "sent_at",
        Moment,
        purpose="start of the retention of the address",
        retention=_KEEP,
        nullable=True,
    ),
    column(
        "reason",
        Text,
        purpose="why it was refused, dropped or deferred, as a code",
        retention=_KEEP,
        nullable=True,
    ),
    column(
        "followed_up",
        Boolean,
        purpose="whether the reminder after this message was decided on",
        retention=_KEEP,
        server_default=false(),
    ),
    UniqueConstraint("subject_id", "kind"),
    message_states.check(),
    # In the order of the lease: by priority, then by moment.
    index_of_states("ix_messages_due", [DUE], "priority", "due_at", "id"),
    index_of_states("ix_messages_unknown", [UNKNOWN], "sent_at"),
    index_of_states("ix_messages_leased", HELD_BY_SENDER, "leased_until"),
    Index("ix_messages_sent_at", "sent_at"),
    partial_index(
        "ix_messages_to_follow_up",
        to_follow_up(""),
        "kind",
        "shop_id",
        "sent_at",
    ),
)

# What a LeasedMessage (kinds.py) is read from, in its order.
LEASED_MESSAGE = (
    messages.c.id,
    messages.c.kind,
    messages.c.subject_id,
    messages.c.token,
    messages.c.attempts,
    messages.c.waited_s,
    messages.c.resent,
)

# One row, and only while messages are held back.
send_suspensions = Table(
    "send_suspensions",
    metadata,
    column(
        "name",
        Text,
        purpose="what suspended sending",
        retention=RUNS,
        primary_key=True,
    ),
    column("reason", Text, purpose="why, as a code", retention=RUNS),
    column("at", Moment, purpose="since when", retention=RUNS),
)

# A row only while a mail server fails, or since it came back: no row means that all is well.
#   open_until  nothing is sent before; then one message is tried (`probe`: its lease)
#   closed_at   it answered again: messages leave slowly at first, `granted_at` the last of them
circuit_breakers = Table(
    "circuit_breakers",
    metadata,
    column(
        "name", Text, purpose="which mail server: host and port", retention=RUNS, primary_key=True
    ),
    column("failures", Integer, purpose="how often in a row it failed", retention=RUNS),
    column("opened", Integer, purpose="how often in a row it opened", retention=RUNS),
    column("usual", Integer, purpose="messages in the busiest minute of a week", retention=RUNS),
    column(
        "open_until",
        Moment,
        purpose="until when nothing is sent to it",
        retention=RUNS,
        nullable=True,
    ),
    column(
        "probe",
        LargeBinary,
        purpose="the lease of the message that tries it",
        retention=RUNS,
        nullable=True,
    ),
    column(
        "closed_at", Moment, purpose="since when it answers again", retention=RUNS, nullable=True
    ),
    column(
        "granted_at",
        Moment,
        purpose="when messages last left since then",
        retention=RUNS,
        nullable=True,
    ),
)

# A row only once a mail server refused for having got too much (relay_rate_policy.py).
relay_rates = Table(
    "relay_rates",
    metadata,
    column(
        "name", Text, purpose="which mail server: host and port", retention=RUNS, primary_key=True
    ),
    column("per_minute", Integer, purpose="how many messages it takes", retention=RUNS),
    column("step", Integer, purpose="by how many it grows next", retention=RUNS),
    column("refusals", Integer, purpose="in a row, with none taken between", retention=RUNS),
    column("learnt_at", Moment, purpose="when it refused last", retention=RUNS),
    column("grows_at", Moment, purpose="when the rate may grow", retention=RUNS),
    column("next_slot_at", Moment, purpose="when the next message may leave", retention=RUNS),
    column(
        "paused_until",
        Moment,
        purpose="until when nothing is sent to it",
        retention=RUNS,
        nullable=True,
    ),
)

domain_throttles = Table(
    "domain_throttles",
    metadata,
    column(
        "domain_hash",
        LargeBinary,
        purpose="how many messages went to a domain lately (keyed hash)",
        retention=_THROTTLE_RULE,
        category="pseudonym",
        primary_key=True,
    ),
    column(
        "next_slot_at",
        Moment,
        purpose="when the next message may go there",
        retention=_THROTTLE_RULE,
    ),
    column(
        "reserved_until",
        Moment,
        purpose="up to when messages wait for their turn",
        retention=_THROTTLE_RULE,
    ),
    column(
        "deferrals", Integer, purpose="how often in a row it deferred", retention=_THROTTLE_RULE
    ),
    column(
        "paused_until",
        Moment,
        purpose="until when nothing is sent there",
        retention=_THROTTLE_RULE,
        nullable=True,
    ),
    column(
        "forget_at", Moment, purpose="end of its retention", retention=_THROTTLE_RULE, index=True
    ),
    sqlite_with_rowid=False,
)
