"""Receive an order webhook: find the shop, verify the signature, parse, store."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus

from sqlalchemy.exc import SQLAlchemyError

from trustsvc.errors import Unauthorised, Unavailable, WebhookDeliveryConflict
from trustsvc.orders import accept, intake, privacy_requests, webhook_delivery_log
from trustsvc.orders.platforms import PLATFORMS
from trustsvc.orders.received import Ignored, PrivacyRequestReceived
from trustsvc.orders.webhook_health import answers, counters
from trustsvc.shops import directory
from trustsvc.shops.webhook_auth import WrongSignature, authenticate
from trustsvc.storage import db

# WooCommerce sends this, unsigned, when a webhook is saved; it wants a 200 and nothing else.
PING = re.compile(rb"webhook_id=[0-9]{1,20}")


@dataclass(slots=True)
class WebhookRequest:
    """A webhook as it came; whose it is, as far as that is known, also where it is refused."""

    platform: str
    endpoint_id: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    shop_id: int = counters.NO_SHOP


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """What the platform is answered; `counted_as` is one of webhook_health/answers.py."""

    code: HTTPStatus
    status: str
    reason: str | None = None
    field: str = ""
    counted_as: str = ""

    def as_json(self) -> dict[str, str]:
        answer = {"status": self.status, "reason": self.reason, "field": self.field}
        return {name: value for name, value in answer.items() if value}


def receive(webhook: WebhookRequest, now: datetime) -> WebhookAnswer:
    """Store what a webhook brings; docs/reference/webhook-answers.md specifies the answers.

    Returns once it is on disk. Called twice, the second is a duplicate. Raises Unauthorised,
    Refused, WebhookDeliveryConflict, or Unavailable: then the platform delivers it again.
    """
    if webhook.platform == "woocommerce" and PING.fullmatch(webhook.body):
        return _answer(HTTPStatus.OK, "ignored", "ping")
    shop = _authenticate(webhook, now)
    webhook.shop_id = shop.id
    order = PLATFORMS[webhook.platform].parse(webhook.headers, webhook.body, now)
    if isinstance(order, Ignored):
        if order.identity:
            with db.transaction() as session:
                webhook_delivery_log.log_ignored(session, shop.id, order, now)
        return _answer(HTTPStatus.OK, "ignored", order.reason, order.field)
    if isinstance(order, PrivacyRequestReceived):
        with db.transaction() as session:
            is_new = privacy_requests.accept_from_platform(session, shop, order, webhook.body, now)
        status, code = ("accepted", HTTPStatus.ACCEPTED) if is_new else ("duplicate", HTTPStatus.OK)
        return WebhookAnswer(code, status, counted_as=answers.PRIVACY_REQUEST)
    result = intake.submit(accept.incoming_order(shop, order, webhook.body), now)
    if result.status == "conflict":
        raise WebhookDeliveryConflict
    code = HTTPStatus.ACCEPTED if result.status == "accepted" else HTTPStatus.OK
    return _answer(code, result.status, result.reason, result.field)


def _answer(
    code: HTTPStatus, status: str, reason: str | None = None, missed: str = ""
) -> WebhookAnswer:
    return WebhookAnswer(code, status, reason, missed, answers.of_success(status, reason))


def _authenticate(webhook: WebhookRequest, now: datetime) -> directory.Shop:
    platform, endpoint_id = webhook.platform, webhook.endpoint_id
    # An unknown platform takes as long as a wrong signature.
    signed = PLATFORMS.get(platform, PLATFORMS["standard"]).signed
    if "\x00" in endpoint_id or "\x00" in platform:  # PostgreSQL text cannot hold NUL
        raise Unauthorised
    try:
        return authenticate(
            db.reading,
            platform,
            endpoint_id,
            lambda secret: signed(webhook.headers, webhook.body, secret, now),
            now,
        )
    except WrongSignature as wrong:
        webhook.shop_id = wrong.shop_id
        raise
    except (SQLAlchemyError, OSError):
        raise Unavailable from None
