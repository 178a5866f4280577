"""The security database: what looked like an attack, counted, for as long as the server log."""

from sqlalchemy import BigInteger, LargeBinary, Table, Text

from trustsvc.crypto.encrypted_column import EncryptedText
from trustsvc.storage.columns import Id, Moment, column, metadata

_KEEP = "security_events"

security_entries = Table(
    "security_entries",
    metadata,
    column("id", Id, purpose="order of the entries", retention=_KEEP, primary_key=True),
    # Of several processes that see the same thing in the same minute each adds to one row.
    column(
        "entry_hash",
        LargeBinary,
        purpose="keyed hash of all but the number: one row a minute",
        retention=_KEEP,
        category="traffic",
        unique=True,
    ),
    column("minute", Moment, purpose="when, to the minute", retention=_KEEP, index=True),
    column("kind", Text, purpose="what it looked like, such as bad_signature", retention=_KEEP),
    column("access", Text, purpose="who may pass the route: http/access.py", retention=_KEEP),
    column(
        "address", EncryptedText, purpose="who it came from", retention=_KEEP, category="traffic"
    ),
    column("count", BigInteger, purpose="how often in that minute", retention=_KEEP),
)
