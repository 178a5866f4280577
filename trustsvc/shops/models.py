"""The shops table: who may send orders and show a badge."""

from sqlalchemy import CheckConstraint, Integer, Table, Text

from trustsvc.crypto.encrypted_column import EncryptedText
from trustsvc.storage.columns import Id, Moment, column, metadata

KEEP = "shop"

shops = Table(
    "shops",
    metadata,
    column("id", Id, why="ties rows to their shop", keep=KEEP, primary_key=True),
    column("slug", Text, why="the shop's part of public addresses", keep=KEEP, unique=True),
    column("name", Text, why="who asks for a review", keep=KEEP),
    column("domain", Text, why="for which site the badge and the score are", keep=KEEP),
    column("platform", Text, why="how its webhooks are signed and shaped", keep=KEEP),
    column("door", Text, why="unguessable part of its webhook address", keep=KEEP, unique=True),
    column("secret", EncryptedText, why="proves its webhooks", keep=KEEP, holds="secret"),
    column(
        "old_secret",
        EncryptedText,
        why="the secret before, while a rotation lasts",
        keep="old secret",
        holds="secret",
        nullable=True,
    ),
    column("old_secret_until", Moment, why="end of a rotation", keep="old secret", nullable=True),
    column("may_ask", Text, why="whom the shop may ask: the legal basis", keep=KEEP),
    column("wording", Text, why="what buyers are told, the proof of that basis", keep=KEEP),
    column("wording_at", Moment, why="since when buyers are told this", keep=KEEP),
    column("delay", Integer, why="how long after the moment a letter leaves", keep=KEEP),
    column("delay_unit", Text, why="minutes, hours, days or weekdays", keep=KEEP),
    column("moment", Text, why="after what: delivered, shipped, paid or created", keep=KEEP),
    column("reminder_days", Integer, why="days to a reminder, 0 for none", keep=KEEP),
    column("cap_days", Integer, why="days in which a buyer is asked at most once", keep=KEEP),
    column("max_age_days", Integer, why="older orders are not asked about", keep=KEEP),
    column("language", Text, why="language where the order names none", keep=KEEP),
    column("zone", Text, why="time zone where the order names no country", keep=KEEP),
    column("created_at", Moment, why="enrolled since", keep=KEEP),
    column("proven_at", Moment, why="when its domain was proven", keep=KEEP, nullable=True),
    column("looked_at", Moment, why="when its domain was last looked at", keep=KEEP, nullable=True),
    column(
        "missed",
        Integer,
        why="days in a row on which its domain's line was missing",
        keep=KEEP,
        server_default="0",
    ),
    column("closed_at", Moment, why="when its enrolment ended", keep=KEEP, nullable=True),
    CheckConstraint("may_ask IN ('registered', 'consent', 'customers')", name="may_ask"),
    CheckConstraint("delay_unit IN ('minutes', 'hours', 'days', 'weekdays')", name="delay_unit"),
    CheckConstraint("moment IN ('delivered', 'shipped', 'paid', 'created')", name="moment"),
)
