"""Tables of receipts, notice versions, disclosures, privacy requests and links to one's data."""

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
)

from trustsvc.crypto.encrypted_column import EncryptedText
from trustsvc.privacy.state import RequestState, request_states
from trustsvc.storage.columns import Id, Moment, column, index_of_states, metadata

REQUEST_LOG = "request_log"
LINK = "transactional_mail"

receipts = Table(
    "receipts",
    metadata,
    column("id", Id, purpose="order of the receipts", retention="receipt", primary_key=True),
    column("at", Moment, purpose="when something was deleted", retention="receipt"),
    column("what", Text, purpose="which retention rule", retention="receipt"),
    column("number", BigInteger, purpose="how many rows or files", retention="receipt"),
    column("before", Moment, purpose="everything older than this", retention="receipt"),
    # Unique, so that the chain never forks.
    column(
        "previous",
        LargeBinary,
        purpose="signature of the previous receipt",
        retention="receipt",
        unique=True,
    ),
    column(
        "signature", LargeBinary, purpose="Ed25519 signature of this receipt", retention="receipt"
    ),
)

NOTICE = "notice_versions"

# The text of each shop's privacy notice: one row a version and language.
notice_versions = Table(
    "notice_versions",
    metadata,
    column(
        "shop_id",
        BigInteger,
        ForeignKey("shops.id"),
        purpose="whose notice",
        retention=NOTICE,
        primary_key=True,
    ),
    column("version", Integer, purpose="which version, from 1", retention=NOTICE, primary_key=True),
    column("language", Text, purpose="in which language", retention=NOTICE, primary_key=True),
    column("text", Text, purpose="the text of the notice", retention=NOTICE),
    column("digest", LargeBinary, purpose="SHA-256 of the text, as proof", retention=NOTICE),
    column("since", Moment, purpose="from when on it was in force", retention=NOTICE),
    column(
        "announced_at",
        Moment,
        purpose="when the people concerned were notified",
        retention=NOTICE,
        nullable=True,
    ),
    column(
        "inputs_digest",
        LargeBinary,
        purpose="SHA-256 of what the text was made from: while it is the same, so is the text",
        retention=NOTICE,
        nullable=True,
    ),
)

DISCLOSURE = "disclosure_log"

disclosure_log = Table(
    "disclosure_log",
    metadata,
    column("id", Id, purpose="order of the lines", retention=DISCLOSURE, primary_key=True),
    column("at", Moment, purpose="when people were listed", retention=DISCLOSURE, index=True),
    column("what", Text, purpose="of which table, key or backup", retention=DISCLOSURE),
    column("number", BigInteger, purpose="how many rows were shown", retention=DISCLOSURE),
    column(
        "by",
        Text,
        purpose="account on this machine that saw it",
        retention=DISCLOSURE,
        category="staff",
    ),
)

# Names nobody: which right, at which shop, when, and how it ended.
request_log = Table(
    "request_log",
    metadata,
    column("id", Id, purpose="one request", retention=REQUEST_LOG, primary_key=True),
    column("kind", Text, purpose="which right", retention=REQUEST_LOG),
    column("shop_id", BigInteger, purpose="at which shop, 0 for all", retention=REQUEST_LOG),
    column("state", Text, purpose="open, done or refused", retention=REQUEST_LOG),
    column(
        "by",
        Text,
        purpose="who answered: the person, staff, the shop",
        retention=REQUEST_LOG,
        nullable=True,
    ),
    column(
        "ground",
        Text,
        purpose="ground of a refusal, as a code",
        retention=REQUEST_LOG,
        nullable=True,
    ),
    column("asked_at", Moment, purpose="start of the 30 days to answer", retention=REQUEST_LOG),
    column(
        "answered_at", Moment, purpose="when it was answered", retention=REQUEST_LOG, nullable=True
    ),
    request_states.check(),
    Index("ix_request_log_answered_at", "answered_at"),
    index_of_states("ix_request_log_open", [RequestState.OPEN], "asked_at"),
)

my_data_links = Table(
    "my_data_links",
    metadata,
    column(
        "link_hash",
        LargeBinary,
        purpose="keyed hash of the random id inside a link that was requested",
        retention=LINK,
        category="pseudonym",
        primary_key=True,
    ),
    column(
        "pseudonym",
        LargeBinary,
        purpose="erase it with the person",
        retention=LINK,
        category="pseudonym",
        index=True,
    ),
    column(
        "address", EncryptedText, purpose="whose data it opens", retention=LINK, category="contact"
    ),
    column("language", Text, purpose="language of its page", retention=LINK),
    column(
        "copy",
        EncryptedText,
        purpose="the copy handed over with an objection",
        retention=LINK,
        category="contact",
        nullable=True,
    ),
    column("at", Moment, purpose="start of its three days", retention=LINK, index=True),
)
