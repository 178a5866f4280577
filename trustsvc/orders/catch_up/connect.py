"""Take a shop's API credentials: check what was typed, and try it before it is held."""

from urllib.parse import urlsplit

from trustsvc import config
from trustsvc.config_values import is_loopback
from trustsvc.errors import Refused
from trustsvc.orders.catch_up.platforms import APIS
from trustsvc.orders.catch_up.platforms.credentials import ApiCredentials
from trustsvc.shops.directory import Shop

MAX_LENGTH = 500


def make_credentials(shop: Shop, url: str, key: str, secret: str) -> ApiCredentials:
    """Check address, key and secret; an empty address takes the platform's usual one.

    https only, and only hosts of the platform where it has hosts of its own: a mistyped address
    must not be handed the key. A service that itself runs on loopback may use loopback. Raises
    Refused, without repeating anything.
    """
    api = APIS.get(shop.platform)
    if api is None:
        raise Refused("This platform has no API that trustsvc knows: its webhooks must arrive.")
    base_url = _clean(url or api.default_url(shop.domain, shop.language))
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    at_home = host != "" and is_loopback(host) and config.current().is_loopback
    if not at_home and (parts.scheme != "https" or not api.is_host(host)):
        raise Refused(
            "The address must be the API's: https://NAME.myshopify.com for Shopify, "
            "https://api.webshopapp.com/LANGUAGE or https://api.shoplightspeed.com/LANGUAGE for "
            "Lightspeed, the https address of the WordPress for WooCommerce. Give it with --url."
        )
    if not secret or (not key and shop.platform != "shopify"):
        raise Refused("Key and secret are needed, each on a line of its own.")
    for text in (key, secret):
        if len(text) > MAX_LENGTH or not text.isascii() or not text.isprintable() or " " in text:
            raise Refused("Key and secret are printable ASCII without spaces.")
    if ":" in key:
        raise Refused("A key has no colon: is the secret on a line of its own?")
    return ApiCredentials(base_url, key, secret)


def _clean(url: str) -> str:
    """Complete an address; raises Refused where it holds more than a host and a path."""
    text = url.strip().rstrip("/")
    if "://" not in text:
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        _ = parts.port  # is parsed only when it is read
    except ValueError:
        raise Refused("The address cannot be read.") from None
    is_plain = not (parts.username or parts.password or parts.query or parts.fragment)
    if not is_plain or not text.isascii() or not text.isprintable() or " " in text:
        raise Refused("The address must hold a host and a path only.")
    return text
