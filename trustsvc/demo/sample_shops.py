"""The demo's shops, one a platform, and an order of each, made fresh for every run."""

import json
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from trustsvc import config
from trustsvc.errors import NotFound
from trustsvc.shops import directory, enrol, secret_rotation

ORDERS = Path(__file__).parent / "orders"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


@dataclass(frozen=True, slots=True)
class Role:
    """A shop of the demo: whom it may ask, and which order it sends."""

    name: str
    platform: str
    may_ask: str
    language: str
    order: str
    topic: str


ROLES = (
    Role("Juwelier De Gouden Ring", "shopify", "consent", "nl", "shopify", "orders/fulfilled"),
    Role("Blumen Weber", "woocommerce", "customers", "de", "woocommerce", "order.updated"),
    Role("Fietsen van Dam", "lightspeed", "consent", "nl", "lightspeed", "orders/shipped"),
    Role("Librairie du Canal", "standard", "registered", "fr", "standard", "order.shipped"),
)


def enrolled(session: Session, role: Role, now: datetime) -> tuple[directory.Shop, str]:
    """Enrol a shop of the demo, or find it from an earlier run and give it a new secret."""
    try:
        known = directory.by_slug(session, enrol.slug_of(role.name))
    except NotFound:
        new = enrol.Enrolment(
            name=role.name,
            # Browsers and this service take *.localhost for this machine: a domain to prove.
            domain=f"{enrol.slug_of(role.name)}.localhost:{config.current().port}",
            platform=role.platform,
            may_ask=role.may_ask,
            language=role.language,
        )
        return enrol.enrol(session, new, now)
    return known, secret_rotation.rotate_secret(session, known.slug, "", now, revoke=True)


def fresh_order(role: Role, now: datetime) -> tuple[bytes, str]:
    """Give the body of a sample order, moved to today, with a number and a buyer of its own.

    All its moments are shifted together, so that the newest is now. A new buyer, because one who
    was asked in the last month is not asked again. Gives the body and the address.
    """
    text = (ORDERS / f"{role.order}.json").read_text(encoding="utf-8")
    moments = [datetime.fromisoformat(found).replace(tzinfo=UTC) for found in MOMENT.findall(text)]
    shift = now.replace(microsecond=0) - max(moments)
    text = MOMENT.sub(
        lambda found: (datetime.fromisoformat(found[0]) + shift).isoformat()[:19], text
    )
    number = secrets.randbelow(9 * 10**9) + 10**9
    address = _address(json.loads(text))
    buyer = address.replace("@", f".{number}@")
    order = json.loads(text.replace(address, buyer))
    _renumber(order, number)
    return json.dumps(order).encode(), buyer


def _renumber(order: dict[str, Any], number: int) -> None:
    inner = order.get("order") or order.get("data") or order
    for key in ("id", "number", "order_number", "reference", "name"):
        if key in inner and key != ("name" if "email" in inner and "reference" in inner else ""):
            inner[key] = number if isinstance(inner[key], int) else f"{number}"


def _address(order: dict[str, Any]) -> str:
    inner = order.get("order") or order.get("data") or order
    found = inner.get("email") or inner.get("billing", {}).get("email", "")
    return str(found)
