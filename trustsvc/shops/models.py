"""The shops table: who may send orders and show a badge."""

from sqlalchemy import CheckConstraint, Integer, Table, Text

from trustsvc.crypto.encrypted_column import EncryptedText
from trustsvc.crypto.encrypted_id import EncryptedIdText
from trustsvc.storage.columns import Id, Moment, column, metadata

_KEEP = "shop"

shops = Table(
    "shops",
    metadata,
    column("id", Id, purpose="ties rows to their shop", retention=_KEEP, primary_key=True),
    column(
        "slug", Text, purpose="the shop's part of public addresses", retention=_KEEP, unique=True
    ),
    column("name", Text, purpose="who asks for a review", retention=_KEEP),
    column("domain", Text, purpose="for which site the badge and the score are", retention=_KEEP),
    column("platform", Text, purpose="how its webhooks are signed and shaped", retention=_KEEP),
    column(
        "endpoint_id",
        EncryptedIdText,
        purpose="unguessable part of its webhook address",
        retention=_KEEP,
        category="secret",
        unique=True,
    ),
    column(
        "secret", EncryptedText, purpose="proves its webhooks", retention=_KEEP, category="secret"
    ),
    column(
        "old_secret",
        EncryptedText,
        purpose="the secret before, while a rotation lasts",
        retention="previous_secret",
        category="secret",
        nullable=True,
    ),
    column(
        "old_secret_until",
        Moment,
        purpose="end of a rotation",
        retention="previous_secret",
        nullable=True,
    ),
    column("may_ask", Text, purpose="whom the shop may ask: the legal basis", retention=_KEEP),
    column(
        "wording",
        Text,
        purpose="what buyers read at the checkout, the proof of that basis",
        retention=_KEEP,
    ),
    column("wording_at", Moment, purpose="since when buyers read this", retention=_KEEP),
    column("delay", Integer, purpose="how long after it an invitation leaves", retention=_KEEP),
    column("delay_unit", Text, purpose="minutes, hours, days or weekdays", retention=_KEEP),
    column(
        "moment", Text, purpose="after what: delivered, shipped, paid or created", retention=_KEEP
    ),
    column("reminder_days", Integer, purpose="days to a reminder, 0 for none", retention=_KEEP),
    column(
        "cap_days", Integer, purpose="days in which a buyer is asked at most once", retention=_KEEP
    ),
    column("max_age_days", Integer, purpose="older orders are not asked about", retention=_KEEP),
    column(
        "skip",
        Text,
        purpose="which orders are not asked about: pos, gift cards, tags",
        retention=_KEEP,
    ),
    column(
        "fallback",
        Text,
        purpose="ask or skip an order that is paid and never sent",
        retention=_KEEP,
    ),
    column(
        "fallback_days", Integer, purpose="how long after payment that is decided", retention=_KEEP
    ),
    column("language", Text, purpose="language where the order names none", retention=_KEEP),
    column("zone", Text, purpose="time zone where the order names no country", retention=_KEEP),
    column(
        "reply_to",
        Text,
        purpose="the shop's own address, to which answers of buyers go; empty for none",
        retention=_KEEP,
        server_default="",
    ),
    column("created_at", Moment, purpose="enrolled since", retention=_KEEP),
    column(
        "proven_at", Moment, purpose="when its domain was proven", retention=_KEEP, nullable=True
    ),
    column(
        "domain_checked_at",
        Moment,
        purpose="when its domain was last looked at",
        retention=_KEEP,
        nullable=True,
    ),
    column(
        "missed_checks",
        Integer,
        purpose="days in a row on which its domain's line was missing",
        retention=_KEEP,
        server_default="0",
    ),
    column("closed_at", Moment, purpose="when its enrolment ended", retention=_KEEP, nullable=True),
    CheckConstraint("may_ask IN ('registered', 'consent', 'customers')", name="may_ask"),
    CheckConstraint("fallback IN ('ask', 'skip')", name="fallback"),
    CheckConstraint("delay_unit IN ('minutes', 'hours', 'days', 'weekdays')", name="delay_unit"),
    CheckConstraint("moment IN ('delivered', 'shipped', 'paid', 'created')", name="moment"),
)
