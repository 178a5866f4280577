"""The registry's tables: fingerprints only, never an address."""

from sqlalchemy import BigInteger, LargeBinary, Table, Text

from trustsvc.tables import Moment, column, metadata

registered = Table(
    "registered",
    metadata,
    column(
        "mark",
        LargeBinary,
        why="recognise a registered buyer",
        keep="registration",
        holds="pseudonym",
        primary_key=True,
    ),
    column("at", Moment, why="proof of consent: when", keep="registration"),
    column("wording", Text, why="proof of consent: to what, by version", keep="registration"),
    column("source", Text, why="proof of consent: where it was given", keep="registration"),
    sqlite_with_rowid=False,
)

opt_outs = Table(
    "opt_outs",
    metadata,
    column(
        "mark",
        LargeBinary,
        why="never ask this person again",
        keep="opt-out",
        holds="pseudonym",
        primary_key=True,
    ),
    # 0 for all shops: the mark is then made with the registry's key, else with the shop's own.
    column("shop_id", BigInteger, why="for which shop", keep="opt-out", primary_key=True),
    column("at", Moment, why="since when", keep="opt-out"),
    column("reason", Text, why="stop, objection, complaint or erasure", keep="opt-out"),
    sqlite_with_rowid=False,
)

# Frozen: kept, and neither used nor shown until the person says otherwise (GDPR Art. 18).
restrictions = Table(
    "restrictions",
    metadata,
    column(
        "mark",
        LargeBinary,
        why="leave this person's data alone",
        keep="restriction",
        holds="pseudonym",
        primary_key=True,
    ),
    # As with opt_outs: 0 for all shops, by the registry's key.
    column("shop_id", BigInteger, why="at which shop", keep="restriction", primary_key=True),
    column("at", Moment, why="since when", keep="restriction"),
    sqlite_with_rowid=False,
)
