"""What transactional mail says; when it leaves and what became of it is in the outbox's table."""

from sqlalchemy import BigInteger, Index, LargeBinary, Table, Text

from trustsvc.crypto.encrypted_column import EncryptedText
from trustsvc.storage.columns import Id, Moment, column, metadata

_KEEP = "transactional_mail"
MESSAGE_KIND = "transactional"

# Address, name and facts are cleared as soon as the message is settled: a NULL address says so.
transactional_messages = Table(
    "transactional_messages",
    metadata,
    column("id", Id, purpose="one message", retention=_KEEP, primary_key=True),
    column("template", Text, purpose="which message: a section of the words", retention=_KEEP),
    column("language", Text, purpose="language of the message", retention=_KEEP),
    column("shop_id", BigInteger, purpose="in whose name, 0 for the service", retention=_KEEP),
    column(
        "address",
        EncryptedText,
        purpose="whom to answer",
        retention=_KEEP,
        category="contact",
        nullable=True,
    ),
    column(
        "name",
        EncryptedText,
        purpose="to greet",
        retention=_KEEP,
        category="contact",
        nullable=True,
    ),
    column(
        "facts",
        EncryptedText,
        purpose="links and dates in it",
        retention=_KEEP,
        category="contact",
        nullable=True,
    ),
    column(
        "recipient_pseudonym",
        LargeBinary,
        purpose="so many messages of a kind a day to one address",
        retention=_KEEP,
        category="pseudonym",
    ),
    column(
        "mailbox",
        LargeBinary,
        purpose="keyed hash of the mailbox, without tags: so many messages a day to one",
        retention=_KEEP,
        category="pseudonym",
        nullable=True,
    ),
    column(
        "network",
        LargeBinary,
        purpose="keyed hash of the network that typed the address: so many an hour of one",
        retention=_KEEP,
        category="pseudonym",
        nullable=True,
    ),
    column("created_at", Moment, purpose="when it was asked for", retention=_KEEP),
    Index("ix_transactional_messages_recipient", "recipient_pseudonym", "template", "created_at"),
    Index("ix_transactional_messages_mailbox", "mailbox", "template", "created_at"),
    Index("ix_transactional_messages_created_at", "created_at"),
)
