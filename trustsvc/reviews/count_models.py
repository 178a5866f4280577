"""Tables of the numbers that scores are read from."""

from sqlalchemy import BigInteger, ForeignKey, Integer, Table

from trustsvc.reviews.models import PUBLIC
from trustsvc.storage.columns import column, metadata

star_counts = Table(
    "star_counts",
    metadata,
    column(
        "shop_id",
        BigInteger,
        ForeignKey("shops.id"),
        purpose="whose score",
        retention=PUBLIC,
        primary_key=True,
    ),
    column("stars", Integer, purpose="how many stars", retention=PUBLIC, primary_key=True),
    column("number", BigInteger, purpose="how many publications have them", retention=PUBLIC),
)

# A year is the sum of its days: to count its publications would take longer with each of them.
daily_star_counts = Table(
    "daily_star_counts",
    metadata,
    column(
        "shop_id",
        BigInteger,
        ForeignKey("shops.id"),
        purpose="whose score",
        retention=PUBLIC,
        primary_key=True,
    ),
    column(
        "day",
        Integer,
        purpose="on which day, counted from 1970 in UTC",
        retention=PUBLIC,
        primary_key=True,
        autoincrement=False,
    ),
    column("stars", Integer, purpose="how many stars", retention=PUBLIC, primary_key=True),
    column("number", BigInteger, purpose="how many were published", retention=PUBLIC),
    sqlite_with_rowid=False,
)
