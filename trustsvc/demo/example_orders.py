"""Example orders, posted and signed as each platform does: for the demo and `trustsvc shop try`."""

import json
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from trustsvc import clock
from trustsvc.orders.platforms import signature, standard

ORDERS = Path(__file__).parent / "orders"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
TIMEOUT_S = 10
# What each example says of its order.
TOPICS = {
    "shopify": "orders/fulfilled",
    "woocommerce": "order.updated",
    "lightspeed": "orders/shipped",
    "standard": "order.shipped",
}


@dataclass(frozen=True, slots=True)
class ExampleOrder:
    number: str
    buyer: str  # the e-mail address
    body: bytes


def example_order(platform: str, now: datetime) -> ExampleOrder:
    """Make an order with a number and a buyer of its own, its newest moment being `now`.

    All moments are shifted alike. The buyer is new, because a buyer is asked once in the cap
    period, and lives at a `.example` domain, which reaches nobody (RFC 2606).
    """
    text = (ORDERS / f"{platform}.json").read_text(encoding="utf-8")
    moments = [datetime.fromisoformat(match).replace(tzinfo=UTC) for match in MOMENT.findall(text)]
    shift = now.replace(microsecond=0) - max(moments)
    text = MOMENT.sub(
        lambda match: (datetime.fromisoformat(match[0]) + shift).isoformat()[:19], text
    )
    number = secrets.randbelow(9 * 10**9) + 10**9
    address = _address(json.loads(text))
    local, _, domain = address.partition("@")
    buyer = f"{local}.{number}@{domain.partition('.')[0]}.example"
    order = json.loads(text.replace(address, buyer))
    _renumber(order, number)
    return ExampleOrder(str(number), buyer, json.dumps(order).encode())


def post(url: str, platform: str, secret: str, body: bytes) -> requests.Response:
    """Post a signed body to a webhook endpoint; raises what `requests` raises."""
    headers = signed_headers(platform, secret, body)
    return requests.post(url, data=body, headers=headers, timeout=TIMEOUT_S)


def answer_text(answer: requests.Response) -> str:
    """Give the status code with the status or the title of our webhook answers."""
    try:
        tree = answer.json()
        return f"{answer.status_code} {tree['status' if answer.ok else 'title']}"
    except (ValueError, TypeError, KeyError):
        return f"{answer.status_code} (not an answer of trustsvc)"


def signed_headers(platform: str, secret: str, body: bytes) -> dict[str, str]:
    """Give the headers that go with a body; raises KeyError for an unknown platform."""
    topic = TOPICS[platform]
    headers = {"Content-Type": "application/json"}
    hmac = signature.hmac_base64(secret.encode(), body).decode()
    if platform == "shopify":
        headers["X-Shopify-Topic"] = topic
        headers["X-Shopify-Hmac-Sha256"] = hmac
        headers["X-Shopify-Event-Id"] = secrets.token_hex(16)
    elif platform == "woocommerce":
        headers["X-WC-Webhook-Topic"] = topic
        headers["X-WC-Webhook-Signature"] = hmac
    elif platform == "lightspeed":
        headers["X-Signature"] = signature.md5_hex(body + secret.encode()).decode()
    else:
        message_id, timestamp = f"msg_{secrets.token_hex(12)}", str(int(clock.now().timestamp()))
        signed = f"{message_id}.{timestamp}.".encode() + body
        hmac = signature.hmac_base64(standard.key_of(secret), signed).decode()
        headers["webhook-id"] = message_id
        headers["webhook-timestamp"] = timestamp
        headers["webhook-signature"] = f"v1,{hmac}"
    return headers


def _renumber(order: dict[str, Any], number: int) -> None:
    inner = order.get("order") or order.get("data") or order
    for key in ("id", "number", "order_number", "reference", "name"):
        if key in inner and key != ("name" if "email" in inner and "reference" in inner else ""):
            inner[key] = number if isinstance(inner[key], int) else f"{number}"


def _address(order: dict[str, Any]) -> str:
    inner = order.get("order") or order.get("data") or order
    email = inner.get("email") or inner.get("billing", {}).get("email", "")
    return str(email)
