"""Only who registered is asked: the default of every shop, with real processes."""

import email
import email.policy
import json
import re

import pytest
import requests

from tests.processes.test_service import sending_day
from tests.waiting import PATIENCE_S
from trustsvc import clock, config
from trustsvc.crypto import pseudonyms
from trustsvc.demo import example_orders

pytestmark = [pytest.mark.processes, pytest.mark.slow]


def emails(service, to):
    found = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted(service.data.glob("mail/new/*"))
    ]
    return [one for one in found if to in one["To"]]


def email_with(service, to, word):
    """Wait for the message with a link of a kind; gives it and the link, alone on its line."""

    def found():
        for message in emails(service, to):
            text = message.get_body(preferencelist=("plain",)).get_content()
            if link := re.search(rf"^(http\S+{word}\S+)$", text, re.MULTILINE):
                return message, link[1]
        return None

    return service.until(found)


def place_order(shop):
    order = example_orders.example_order("standard", clock.now())
    headers = example_orders.signed_headers("standard", shop["secret"], order.body)

    def post():
        answer = requests.post(
            shop["webhook_url"], data=order.body, headers=headers, timeout=PATIENCE_S
        )
        assert answer.status_code == 202

    return order.buyer, post


def test_a_buyer_who_registered_is_asked_and_another_leaves_no_trace(service):
    shop = json.loads(
        service.command(
            *("shop", "add", "--name", "Blue Lamp", "--domain", "lamp.example"),
            *("--platform", "standard", "--json"),
        )
    )
    anna, orders_as_anna = place_order(shop)
    piet, orders_as_piet = place_order(shop)
    page = f"{service.url}/register/{shop['shop']}"

    assert requests.post(page, data={"email": anna}, timeout=PATIENCE_S).ok
    _, confirms = email_with(service, anna, "/register/confirm/")
    assert requests.post(confirms, timeout=PATIENCE_S).ok
    welcome, leaves = email_with(service, anna, "/register/leave/")
    orders_as_anna()
    orders_as_piet()
    sending_day(service)

    assert email_with(service, anna, "/r/")
    assert emails(service, piet) == []
    config.use(config.load({"TRUSTSVC_DATA": str(service.data)}))
    try:
        marks = [mark[2:] for mark in pseudonyms.registry_pseudonyms(piet)]
        known = pseudonyms.registry_pseudonym(anna)[2:]
    finally:
        config.use(None)
    lying = [path.read_bytes() for path in service.data.rglob("*") if path.is_file()]
    assert not any(mark in one for mark in marks for one in lying)
    assert not any(piet.encode() in one for one in lying)
    assert any(known in one for one in lying)

    assert welcome["List-Unsubscribe"].strip("<>") == leaves
    before = requests.get(leaves, timeout=PATIENCE_S).text
    answer = requests.post(leaves, data={"List-Unsubscribe": "One-Click"}, timeout=PATIENCE_S)
    assert (answer.status_code, answer.history) == (200, [])
    assert requests.get(leaves, timeout=PATIENCE_S).text == answer.text != before
