"""How a shop's API does, in a few words."""

from datetime import datetime

from trustsvc.orders.catch_up.connection_status import ApiConnection
from trustsvc.orders.catch_up.status import ApiProblem, WebhookStatus

CAUSES = {
    ApiProblem.UNAUTHORISED: "the shop refuses the credentials: wrong, revoked, or without the "
    "right to read orders",
    ApiProblem.NOT_FOUND: "there is no such API at this address: see --url",
    ApiProblem.RATE_LIMITED: "the shop asks us to wait",
    ApiProblem.UNAVAILABLE: "the shop's API answers with an error",
    ApiProblem.UNREACHABLE: "the shop's API cannot be reached, or not in time",
    ApiProblem.REDIRECTED: "the address redirects, which credentials do not follow: see --url",
    ApiProblem.UNREADABLE: "the answer is no list of orders: see --url",
    ApiProblem.TOO_LARGE: "a single order is larger than 8 MB",
}
WEBHOOKS = {
    WebhookStatus.UNKNOWN: "webhooks not checked yet",
    WebhookStatus.ACTIVE: "webhooks active",
    WebhookStatus.ENABLED: "webhooks were disabled and are enabled again",
    WebhookStatus.DISABLED: "webhooks DISABLED: enable them in the shop",
    WebhookStatus.PAUSED: "webhooks paused in the shop",
    WebhookStatus.MISSING: "no webhook points here",
    WebhookStatus.HIDDEN: "webhooks not visible",
}


def connection_text(connection: ApiConnection | None, now: datetime) -> str:
    """Say in a few words how a shop's API does; empty without one."""
    if connection is None:
        return ""
    if connection.problem:
        since = connection.failing_since or now
        return f"catch-up fails since {since:%Y-%m-%d %H:%M} UTC: {CAUSES[connection.problem]}"
    return f"catch-up on, {WEBHOOKS[connection.webhook_status]}"
