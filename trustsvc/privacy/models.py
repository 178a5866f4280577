"""Receipts: what left the house, when, and by which rule; no personal data in them."""

from sqlalchemy import BigInteger, LargeBinary, Table, Text

from trustsvc.tables import Id, Moment, column, metadata

receipts = Table(
    "receipts",
    metadata,
    column("id", Id, why="order of the receipts", keep="receipt", primary_key=True),
    column("at", Moment, why="when something was deleted", keep="receipt"),
    column("what", Text, why="which rule of retention", keep="receipt"),
    column("number", BigInteger, why="how many rows or files", keep="receipt"),
    column("before", Moment, why="everything older than this", keep="receipt"),
    # Unique: of two that follow the same one only one can be written, so the chain never forks.
    column(
        "previous",
        LargeBinary,
        why="signature of the receipt before: a chain",
        keep="receipt",
        unique=True,
    ),
    column("signature", LargeBinary, why="Ed25519, so that it can be checked", keep="receipt"),
)
