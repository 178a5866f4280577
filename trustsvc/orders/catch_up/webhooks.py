"""See whether a shop's webhooks still reach us; enable those that the platform disabled."""

from datetime import datetime

from trustsvc import log
from trustsvc.orders.catch_up.fetch import fetch
from trustsvc.orders.catch_up.paging import ApiFailed
from trustsvc.orders.catch_up.platforms import APIS
from trustsvc.orders.catch_up.platforms.credentials import ApiCredentials
from trustsvc.orders.catch_up.status import ApiProblem, WebhookStatus
from trustsvc.shops.directory import Shop

logger = log.get_logger("orders")


def check_webhooks(shop: Shop, credentials: ApiCredentials, now: datetime) -> WebhookStatus | None:
    """Give the state of the webhooks that point here, after enabling the disabled ones.

    One that a person paused stays so. Where the credentials may not list webhooks they are hidden,
    and where they may not change them the state is "disabled". None where the API fails otherwise:
    the orders were fetched, and the next run checks again.
    """
    try:
        return _check(shop, credentials, now)
    except ApiFailed as failure:
        logger.warning("catch_up.webhooks_not_checked", shop=shop.id, problem=failure.problem.value)
        return None


def _check(shop: Shop, credentials: ApiCredentials, now: datetime) -> WebhookStatus:
    api = APIS[shop.platform]
    request = api.webhooks_request(credentials)
    if request is None:
        return WebhookStatus.HIDDEN
    try:
        answer = fetch(request, now)
    except ApiFailed as failure:
        if failure.problem is not ApiProblem.UNAUTHORISED:
            raise
        return WebhookStatus.HIDDEN
    path = f"/webhooks/{shop.platform}/{shop.endpoint_id}"
    ours = [one for one in api.read_webhooks(answer.body) if one.address.endswith(path)]
    if not ours:
        return WebhookStatus.MISSING
    disabled = [one for one in ours if one.status == "disabled"]
    for webhook in disabled:
        try:
            fetch(api.enable_request(credentials, webhook.id), now)
        except ApiFailed as failure:
            if failure.problem is not ApiProblem.UNAUTHORISED:
                raise
            return WebhookStatus.DISABLED
    if disabled:
        logger.warning("catch_up.webhooks_enabled", shop=shop.id, number=len(disabled))
        return WebhookStatus.ENABLED
    is_paused = any(one.status == "paused" for one in ours)
    return WebhookStatus.PAUSED if is_paused else WebhookStatus.ACTIVE
