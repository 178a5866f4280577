"""The table of API credentials: one row for each shop that gave some."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Integer, LargeBinary, Table, Text

from trustsvc.crypto.encrypted_column import EncryptedText
from trustsvc.orders.catch_up.status import ApiProblem, WebhookStatus
from trustsvc.storage.columns import Moment, column, metadata, one_of

_KEEP = "api_credentials"


api_connections = Table(
    "api_connections",
    metadata,
    column(
        "shop_id",
        BigInteger,
        ForeignKey("shops.id"),
        purpose="whose credentials",
        retention=_KEEP,
        primary_key=True,
        autoincrement=False,
    ),
    column("base_url", Text, purpose="where the shop's API is", retention=_KEEP),
    column(
        "api_key",
        EncryptedText,
        purpose="who asks the API; empty where a token alone opens it",
        retention=_KEEP,
        category="secret",
    ),
    column(
        "api_secret", EncryptedText, purpose="opens the API", retention=_KEEP, category="secret"
    ),
    column("connected_at", Moment, purpose="since when they are held", retention=_KEEP),
    column("seen_until", Moment, purpose="up to when orders were fetched", retention=_KEEP),
    column("due_at", Moment, purpose="when to ask next", retention=_KEEP, index=True),
    column("lease", LargeBinary, purpose="which runner asks now", retention=_KEEP, nullable=True),
    column("leased_until", Moment, purpose="end of that lease", retention=_KEEP, nullable=True),
    column("attempts", Integer, purpose="failed runs in a row", retention=_KEEP),
    column("last_run_at", Moment, purpose="when it last ran", retention=_KEEP, nullable=True),
    column("failing_since", Moment, purpose="since when runs fail", retention=_KEEP, nullable=True),
    column(
        "problem", Text, purpose="why the last run failed, code", retention=_KEEP, nullable=True
    ),
    column("webhook_status", Text, purpose="state of the shop's webhooks", retention=_KEEP),
    column(
        "webhooks_enabled_at",
        Moment,
        purpose="when disabled webhooks were last enabled again",
        retention=_KEEP,
        nullable=True,
    ),
    CheckConstraint(one_of("problem", ApiProblem), name="problem"),
    CheckConstraint(one_of("webhook_status", WebhookStatus), name="webhook_status"),
)
