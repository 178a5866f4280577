"""Sign a body as each platform does, by the standard library: an oracle for our verifiers."""

import base64
import hashlib
import hmac
import secrets
import time

TOPICS = {
    "shopify": "orders/create",
    "woocommerce": "order.created",
    "lightspeed": "",
    "standard": "",
}


def signed_request(platform, secret, body, topic=None, *, message_id=None, at=None):
    """Give the headers of a request with this body; `at` is the standard's timestamp in seconds."""
    topic = TOPICS[platform] if topic is None else topic
    headers = {"Content-Type": "application/json"}
    if platform == "shopify":
        headers |= {"X-Shopify-Hmac-Sha256": hmac_base64(secret.encode(), body)}
        headers |= {"X-Shopify-Topic": topic} if topic else {}
        headers |= {"X-Shopify-Event-Id": message_id} if message_id else {}
    elif platform == "woocommerce":
        headers |= {"X-WC-Webhook-Signature": hmac_base64(secret.encode(), body)}
        headers |= {"X-WC-Webhook-Topic": topic} if topic else {}
    elif platform == "lightspeed":
        headers |= {"X-Signature": hashlib.md5(body + secret.encode()).hexdigest()}
    else:
        message_id = message_id or f"msg_{secrets.token_hex(12)}"
        at = int(time.time()) if at is None else at
        key = base64.b64decode(secret.removeprefix("whsec_"))
        headers |= {
            "webhook-id": message_id,
            "webhook-timestamp": str(at),
            "webhook-signature": "v1," + hmac_base64(key, f"{message_id}.{at}.".encode() + body),
        }
    return headers


def hmac_base64(key, content):
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
