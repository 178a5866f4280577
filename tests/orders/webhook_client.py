"""A shop that posts: enrolled on a platform, sends signed bodies through the real endpoint."""

import copy
import json
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from tests.signing import signed_request
from trustsvc import clock
from trustsvc.orders.models import decisions, orders, webhook_deliveries
from trustsvc.shops import enrol
from trustsvc.storage import db

SAMPLES = Path(enrol.__file__).parents[1] / "demo" / "orders"
SECRETS = {
    "shopify": "shpss_9f1c2e7ab04d48f3",
    "woocommerce": "Tz8!kq<Lm20 PzVw&Xr",
    "lightspeed": "4f6d2a8b9c0e1f2a3b4c5d6e7f809182",
    "standard": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}
WRITTEN_ON = "2026-11-18"


def sample(name, **changes):
    """Read a sample order, moved so that its last day is yesterday, with fields changed."""
    text = (SAMPLES / f"{name}.json").read_text()
    days = (clock.now() - timedelta(days=1)).date()
    for back in range(6):
        day = f"2026-11-{18 - back}"
        text = text.replace(day, f"@{back}@")
    for back in range(6):
        text = text.replace(f"@{back}@", (days - timedelta(days=back)).isoformat())
    body = json.loads(text)
    change(body, changes)
    return body


def change(body, changes):
    """Change fields by dotted path; a value of ... removes the field."""
    for path, value in changes.items():
        *way, last = path.split("__")
        inner = body
        for step in way:
            inner = inner[step]
        if value is ...:
            inner.pop(last, None)
        else:
            inner[last] = copy.deepcopy(value)


class Shop:
    """An enrolled shop with a client to post through."""

    def __init__(self, client, platform, name="Shop", **decided):
        self.client = client
        self.platform = platform
        with db.transaction() as session:
            new = enrol.Enrolment(
                name, "shop.example", platform, secret=SECRETS[platform], **decided
            )
            self.shop, self.secret = enrol.enrol(session, new, clock.now())
        self.url = f"/webhooks/{platform}/{self.shop.endpoint_id}"

    def post(self, body, topic=None, headers=None, **signing):
        """Post a signed body; gives the status and the answer."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        signed = signed_request(self.platform, self.secret, data, topic, **signing)
        answer = self.client.post(self.url, data=data, headers=signed | (headers or {}))
        return answer.status_code, answer.get_json()


def rows(table=orders):
    with db.reading() as session:
        key = "received_at" if table is orders else "at"
        return session.execute(select(table).order_by(table.c[key])).all()


def only_order():
    found = rows()
    assert len(found) == 1
    return found[0]


def count():
    return len(rows()), len(rows(webhook_deliveries)), len(rows(decisions))


ACCEPTED = (202, {"status": "accepted"})
DUPLICATE = (200, {"status": "duplicate"})


def ignored(reason):
    return (200, {"status": "ignored", "reason": reason})
