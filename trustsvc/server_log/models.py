"""The security database: what looked like an attack, counted, for as long as the server log."""

from sqlalchemy import BigInteger, LargeBinary, Table, Text

from trustsvc.crypto.encrypted_column import EncryptedText
from trustsvc.storage.columns import Id, Moment, column, metadata

KEEP = "security database"

security_entries = Table(
    "security_entries",
    metadata,
    column("id", Id, why="order of the entries", keep=KEEP, primary_key=True),
    # Of several processes that see the same thing in the same minute each adds to one row.
    column(
        "mark",
        LargeBinary,
        why="keyed hash of all but the number: one row a minute",
        keep=KEEP,
        holds="traffic",
        unique=True,
    ),
    column("minute", Moment, why="when, to the minute", keep=KEEP, index=True),
    column("what", Text, why="what it looked like, such as bad_signature", keep=KEEP),
    column("door", Text, why="which kind of door", keep=KEEP),
    column("address", EncryptedText, why="who it came from", keep=KEEP, holds="traffic"),
    column("number", BigInteger, why="how often in that minute", keep=KEEP),
)
