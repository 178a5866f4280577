"""Checks of the APIs of shops, which catch up with missed orders."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from trustsvc.doctor.finding import Finding, ok, warn
from trustsvc.orders.catch_up import connection_status
from trustsvc.orders.catch_up.status import ApiProblem, WebhookStatus

ENABLED_SINCE = timedelta(days=7)
UNREACHABLE_FOR = timedelta(hours=1)  # a shop that restarts is no finding
REFUSED = (ApiProblem.UNAUTHORISED, ApiProblem.NOT_FOUND, ApiProblem.REDIRECTED)


def api_connections(session: Session, now: datetime) -> list[Finding]:
    """Report what is wrong with the APIs of shops, one finding a problem; none without an API."""
    every = connection_status.of_shops(session).values()
    if not every:
        return []
    name = "catch-up"
    refused = [one for one in every if one.problem in REFUSED]
    failing = [
        one.failing_since
        for one in every
        if one.problem
        and one.problem not in REFUSED
        and one.failing_since
        and one.failing_since <= now - UNREACHABLE_FOR
    ]
    disabled = [one for one in every if one.webhook_status is WebhookStatus.DISABLED]
    missing = [one for one in every if one.webhook_status is WebhookStatus.MISSING]
    enabled = [
        one
        for one in every
        if one.webhooks_enabled_at and one.webhooks_enabled_at > now - ENABLED_SINCE
    ]
    findings = []
    if refused:
        detail = f"{len(refused)} shops refuse our API credentials or have no API at the address"
        findings.append(
            warn(name, detail, "trustsvc shop list names them; trustsvc shop connect SLUG")
        )
    if failing:
        since = f"{min(failing):%Y-%m-%d %H:%M} UTC"
        detail = f"{len(failing)} shops' APIs give no answer, the first since {since}"
        findings.append(warn(name, detail, "trustsvc shop list names them; it is tried again"))
    if disabled:
        detail = (
            f"{len(disabled)} shops disabled their webhooks, which our credentials may not enable"
        )
        remedy = "enable them in the shop, or connect it with credentials that may write"
        findings.append(warn(name, detail, remedy))
    if missing:
        detail = f"{len(missing)} shops have no webhook that points here"
        findings.append(warn(name, detail, "trustsvc shop list shows the address for it"))
    if enabled:
        detail = f"webhooks of {len(enabled)} shops were disabled this week, and enabled again"
        remedy = "was trustsvc down or refusing? see docs/how-to/catch-up.md"
        findings.append(warn(name, detail, remedy))
    return findings or [ok(name, f"{len(every)} shops' APIs answer")]
