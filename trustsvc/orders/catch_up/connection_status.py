"""Read the status of each shop's API connection; calls no API."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from trustsvc.orders.catch_up.models import api_connections
from trustsvc.orders.catch_up.status import ApiProblem, WebhookStatus


@dataclass(frozen=True, slots=True)
class ApiConnection:
    """How a shop's API does; no credentials."""

    shop_id: int
    connected_at: datetime
    seen_until: datetime
    last_run_at: datetime | None
    failing_since: datetime | None
    problem: ApiProblem | None
    webhook_status: WebhookStatus
    webhooks_enabled_at: datetime | None


def of_shops(session: Session) -> dict[int, ApiConnection]:
    """Give the state of every connection, by shop."""
    columns = [api_connections.c[name] for name in ApiConnection.__slots__]
    return {
        row["shop_id"]: ApiConnection(
            **{
                **row,
                "problem": ApiProblem(row["problem"]) if row["problem"] else None,
                "webhook_status": WebhookStatus(row["webhook_status"]),
            }
        )
        for row in session.execute(select(*columns).order_by(api_connections.c.shop_id)).mappings()
    }
