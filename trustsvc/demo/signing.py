"""Sign a body as each platform does: what the demo's shops, and the tests, knock with."""

import base64
import secrets

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from trustsvc import clock


def signed_headers(platform: str, secret: str, body: bytes, topic: str) -> dict[str, str]:
    """Give the headers that go with a body; raises KeyError for a platform we do not know."""
    sign = {
        "shopify": _shopify,
        "woocommerce": _woocommerce,
        "lightspeed": _lightspeed,
        "standard": _standard,
    }[platform]
    return {"Content-Type": "application/json", **sign(secret, body, topic)}


def hmac_sha256(key: bytes, message: bytes) -> str:
    mac = HMAC(key, hashes.SHA256())
    mac.update(message)
    return base64.b64encode(mac.finalize()).decode()


def _shopify(secret: str, body: bytes, topic: str) -> dict[str, str]:
    return {
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": hmac_sha256(secret.encode(), body),
        "X-Shopify-Event-Id": secrets.token_hex(16),
    }


def _woocommerce(secret: str, body: bytes, topic: str) -> dict[str, str]:
    signature = hmac_sha256(secret.encode(), body)
    return {"X-WC-Webhook-Topic": topic, "X-WC-Webhook-Signature": signature}


def _lightspeed(secret: str, body: bytes, _topic: str) -> dict[str, str]:
    digest = hashes.Hash(hashes.MD5())  # noqa: S303 - Lightspeed signs with MD5
    digest.update(body + secret.encode())
    return {"X-Signature": digest.finalize().hex()}


def _standard(secret: str, body: bytes, _topic: str) -> dict[str, str]:
    message_id = f"msg_{secrets.token_hex(12)}"
    moment = str(int(clock.now().timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = hmac_sha256(key, f"{message_id}.{moment}.".encode() + body)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{signature}",
    }
