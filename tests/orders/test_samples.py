"""Bodies that somebody else wrote: any folder named by SAMPLES_DIR, one subfolder a platform.

Each file of a platform we know gets a documented answer through the endpoint.
"""

import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.orders.webhook_client import ACCEPTED, DUPLICATE, Shop, count, ignored, rows
from trustsvc import clock
from trustsvc.orders.platforms import PLATFORMS
from trustsvc.orders.received import IgnoreReason

FOLDER = os.environ.get("SAMPLES_DIR", "")
FILES = sorted(
    path for name in PLATFORMS for path in (Path(FOLDER) / name).glob("*.json") if FOLDER
)
DOCUMENTED = [ACCEPTED, DUPLICATE, *(ignored(reason) for reason in IgnoreReason.__args__)]
MOMENT = re.compile(r'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)')

WHY = "SAMPLES_DIR names no folder of samples (woocommerce/*.json, ...)"

pytestmark = pytest.mark.skipif(not FILES, reason=WHY)


def name_of(path):
    return f"{path.parent.name}/{path.name}"


def topic_of(path):
    """Read the topic out of a name such as orders_create_2026-07."""
    if path.parent.name != "shopify":
        return None
    room, _, rest = path.stem.rpartition("_")[0].rpartition("_")
    return f"{room}/{rest}"


def fresh(text):
    """Move all moments so that the newest is a day ago."""
    moments = [datetime.fromisoformat(found).replace(tzinfo=UTC) for found in MOMENT.findall(text)]
    if not moments:
        return text
    shift = clock.now().replace(microsecond=0) - timedelta(days=1) - max(moments)
    return MOMENT.sub(
        lambda found: f'"{(datetime.fromisoformat(found[1]) + shift).isoformat()[:19]}', text
    )


def is_order(path):
    return path.parent.name == "woocommerce" or path.name.startswith("orders_")


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_sample_gets_a_documented_answer(client, path):
    shop = Shop(client, path.parent.name)

    for body in (path.read_bytes(), fresh(path.read_text()).encode()):
        status, answer = shop.post(body, topic_of(path))
        assert (status, answer) in DOCUMENTED or (status, answer["status"]) == (400, 400)


@pytest.mark.parametrize("path", [p for p in FILES if p.parent.name == "shopify"], ids=name_of)
def test_a_sample_of_shopify_leads_to_no_invitation(client, path):
    shop = Shop(client, "shopify")

    shop.post(fresh(path.read_text()).encode(), topic_of(path))

    assert [row.email for row in rows() if row.email] == []


@pytest.mark.parametrize(
    "path",
    [p for p in FILES if p.parent.name == "shopify" and p.name.startswith("orders_")],
    ids=name_of,
)
def test_a_sample_of_shopify_is_an_order_once_it_is_no_test(client, path):
    shop = Shop(client, "shopify")
    order = json.loads(fresh(path.read_text()))
    order |= {"test": False, "cancelled_at": None, "financial_status": "paid"}
    expected = ignored("cancelled") if "cancelled" in path.name else ACCEPTED

    assert shop.post(order, topic_of(path)) == expected
    assert shop.post(order, topic_of(path)) == DUPLICATE


@pytest.mark.parametrize("path", [p for p in FILES if p.parent.name == "woocommerce"], ids=name_of)
def test_a_sample_of_woocommerce_is_an_order(client, path):
    shop = Shop(client, "woocommerce")
    body = fresh(path.read_text()).encode()

    assert shop.post(body) == ACCEPTED
    assert shop.post(body) == DUPLICATE
    assert count()[0] == 1
    assert [row.email for row in rows()] == ["john.doe@example.com"]
