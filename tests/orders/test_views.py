"""Tests trustsvc/http/request_body.py too."""

import json
import time

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from tests.orders.webhook_client import (
    ACCEPTED,
    DUPLICATE,
    SECRETS,
    Shop,
    count,
    ignored,
    only_order,
    rows,
    sample,
)
from tests.signing import signed_request
from tests.waiting import PATIENCE_S
from trustsvc import clock
from trustsvc.orders.models import decisions, orders
from trustsvc.shops import secret_rotation
from trustsvc.shops.models import shops
from trustsvc.storage import columns, db
from trustsvc.work_queue import job_queue

PLATFORMS = ["shopify", "woocommerce", "lightspeed", "standard"]
NOTHING = (0, 0, 0)
BIG = 256 * 1024


@pytest.fixture(params=PLATFORMS)
def shop(client, request):
    return Shop(client, request.param)


def test_an_order_is_accepted_and_on_disk(shop):
    before = clock.now()

    assert shop.post(sample(shop.platform)) == ACCEPTED

    order = only_order()
    assert (order.shop_id, order.state, order.paid) == (shop.shop.id, "received", True)
    assert order.platform_status == "open"
    assert (
        before
        <= order.received_at.replace(microsecond=999_999)
        <= clock.now().replace(microsecond=999_999)
    )
    assert order.created_at < order.shipped_at < clock.now()
    assert "@" in order.email
    assert order.consent is True


def test_the_check_is_enqueued(shop):
    shop.post(sample(shop.platform))

    deadline = time.monotonic() + PATIENCE_S
    enqueued = job_queue.connection().exists
    while time.monotonic() < deadline and not enqueued("trustsvc:pending:check_orders"):
        time.sleep(0.01)
    assert enqueued("trustsvc:pending:check_orders")


def test_the_same_order_again_is_a_duplicate_and_changes_nothing(shop):
    shop.post(sample(shop.platform))
    known = only_order()

    assert shop.post(sample(shop.platform)) == DUPLICATE
    assert known == only_order()


def test_two_shops_may_have_an_order_of_the_same_number(client):
    one, other = Shop(client, "standard"), Shop(client, "standard")

    assert [one.post(sample("standard")), other.post(sample("standard"))] == [ACCEPTED] * 2


def test_nothing_but_the_five_fields_is_kept(shop, installation, database):
    shop.post(sample(shop.platform))

    with db.reading() as session:
        everything = repr(
            [session.execute(t.select()).all() for t in columns.metadata.sorted_tables]
        )
    secret_words = {
        "shopify": [
            "Lijnbaansgracht",
            "31612348765",
            "1986-04-27",
            "oma Truus",
            "voor nikkel",
            "1017 PH",
        ],
        "woocommerce": [
            "Schönhauser",
            "55512348",
            "1971-09-03",
            "der Hund",
            "Gute, Mutti",
            "Annegret",
        ],
        "lightspeed": [
            "Turnhoutsebaan",
            "470 55 41",
            "1979-12-31",
            "wil zadel",
            "BE71096123456769",
            "Lotte van",
        ],
        "standard": [
            "Jemmapes",
            "55 51 23",
            "1990-02-14",
            "interphone",
            "FR7630006000011234567890189",
            "Marcel L",
        ],
    }[shop.platform]
    raw = b"".join(p.read_bytes() for p in installation.data.rglob("*") if p.is_file())
    assert [word for word in secret_words if word in everything] == []
    assert [word for word in secret_words if word.encode() in raw] == []


def test_what_is_kept_of_a_person_is_not_readable_in_the_file(shop, installation, database):
    shop.post(sample(shop.platform))
    order = only_order()

    with db.engine().connect() as link:
        stored = b"".join(
            bytes(value)
            for value in link.exec_driver_sql("SELECT email, name, reference FROM orders").one()
        )
    raw = b"".join(p.read_bytes() for p in installation.data.rglob("*") if p.is_file())
    for text in (order.email, order.name, order.reference):
        assert text.encode() not in stored
        assert order.email.encode() not in raw


@pytest.mark.parametrize(
    "body", [b"", b"{", b"nonsense", b"\xff\xfe{}", b'{"id": NaN}', b"[" * 60_000, b"[1]", b'"x"']
)
def test_what_is_not_json_or_not_an_order_is_refused(shop, body):
    status, answer = shop.post(body)

    assert (status, answer["status"]) == (400, 400)
    assert count() == NOTHING


@pytest.mark.parametrize("body", [b"{}", b'{"id": {}}', b'{"order": []}', b'{"data": 5}'])
def test_an_object_that_is_no_order_is_refused(shop, body):
    assert shop.post(body)[0] == 400
    assert count() == NOTHING


def test_deep_json_is_refused(shop):
    deep = b'{"id": 1, "order": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"

    assert shop.post(deep)[0] == 400


def refusals(client, shop):
    body = json.dumps(sample(shop.platform)).encode()
    good = signed_request(shop.platform, shop.secret, body)
    name = next(n for n in good if "hmac" in n.lower() or "signature" in n.lower())
    signature = good[name]
    flipped = ("w" if signature[-5] != "w" else "x").join([signature[:-5], signature[-4:]])
    other = (
        signed_request(shop.platform, SECRETS[shop.platform][::-1], body)
        if (shop.platform != "standard")
        else signed_request("standard", "whsec_" + "A" * 32, body)
    )
    wrong = [flipped, signature[:-4], signature + "," + signature, signature + "=", "", "v1,", "é"]
    cases = [(shop.url, body, good | {name: value}) for value in wrong]
    cases += [(shop.url, body, {k: v for k, v in good.items() if k != name})]
    cases += [(shop.url, body + b" ", good), (shop.url, b"", good), (shop.url, body, other)]
    cases += [(shop.url + "x", body, good), (shop.url[:-1], body, good)]
    cases += [(f"/webhooks/{shop.platform}/%00", body, good)]
    cases += [(f"/webhooks/nonsense/{shop.shop.endpoint_id}", body, good)]
    cases += [
        (f"/webhooks/{wrong_one}/{shop.shop.endpoint_id}", body, good)
        for wrong_one in PLATFORMS
        if wrong_one != shop.platform
    ]
    return [client.post(url, data=data, headers=headers) for url, data, headers in cases]


def test_every_refusal_of_a_signature_is_the_same_bytes(client, shop):
    answers = refusals(client, shop)

    assert {401} == {answer.status_code for answer in answers}
    assert len({answer.data for answer in answers}) == 1
    assert {"application/problem+json"} == {answer.mimetype for answer in answers}
    assert count() == NOTHING


def test_a_closed_shop_is_refused_like_an_endpoint_that_is_not_there(shop):
    with db.transaction() as session:
        session.execute(shops.update().values(closed_at=clock.now()))

    assert shop.post(sample(shop.platform))[0] == 401


def test_a_platform_in_capitals_is_unknown(shop):
    shop.url = shop.url.replace(shop.platform, shop.platform.upper())

    assert shop.post(sample(shop.platform))[0] == 401


@pytest.mark.parametrize("size", [BIG + 1, 300 * 1024, 50 * 1024 * 1024])
def test_a_large_body_is_refused_before_anything_else(shop, size):
    body = b" " * size

    status, answer = shop.post(body)

    assert (status, answer["title"]) == (413, "The body is too large")


def chunked(app, url, data, headers=None):
    """Send a body without saying how long it is, as a server hands it over; gives the status."""
    environ = EnvironBuilder(path=url, method="POST", data=data, headers=headers).get_environ()
    del environ["CONTENT_LENGTH"]
    _, status, _ = run_wsgi_app(app, environ | {"wsgi.input_terminated": True})
    return int(status[:3])


@pytest.mark.parametrize("size", [BIG + 1, 300 * 1024, 5 * 1024 * 1024])
def test_a_large_body_of_unknown_length_is_refused_too(app, shop, size):
    assert chunked(app, shop.url, b" " * size) == 413


def test_a_body_of_unknown_length_is_read(app, shop):
    data = json.dumps(sample(shop.platform)).encode()
    data += b" " * (BIG - len(data))
    headers = signed_request(shop.platform, shop.secret, data)

    assert chunked(app, shop.url, data, headers) == 202


def test_the_largest_body_is_still_read(shop):
    body = json.dumps(sample(shop.platform)).encode()

    assert shop.post(body + b" " * (BIG - len(body))) == ACCEPTED


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch", "options"])
def test_other_methods_are_not_for_this_endpoint(client, shop, method):
    assert getattr(client, method)(shop.url).status_code == 405


def test_the_ping_of_woocommerce_gets_its_200_from_any_endpoint(client):
    shop = Shop(client, "woocommerce")

    for url in (shop.url, "/webhooks/woocommerce/anything"):
        answer = client.post(url, data=b"webhook_id=18")
        assert ignored("ping") == (answer.status_code, answer.get_json())
    assert count() == NOTHING


@pytest.mark.parametrize(
    "body", [b"webhook_id=", b"webhook_id=1x", b"webhook_id=1\n", b"webhook_id=1&a=1", b"x=1"]
)
def test_nothing_else_passes_for_a_ping(client, body):
    assert client.post("/webhooks/woocommerce/any", data=body).status_code == 401


def test_a_ping_at_another_platform_is_unsigned(client):
    assert client.post("/webhooks/shopify/any", data=b"webhook_id=1").status_code == 401


def test_both_secrets_are_live_while_a_rotation_lasts(shop):
    old = shop.secret
    new = "whsec_" + "B" * 32 if shop.platform == "standard" else "another-secret-of-mine"
    now = clock.now()
    with db.transaction() as session:
        secret_rotation.rotate_secret(session, shop.shop.slug, new, now)

    first = shop.post(sample(shop.platform))
    shop.secret = new
    assert [first, shop.post(sample(shop.platform))] == [ACCEPTED, DUPLICATE]

    shop.secret = old
    with clock.at(now + secret_rotation.OVERLAP):
        at = int(clock.now().timestamp())
        assert shop.post(sample(shop.platform), at=at)[0] == 401
        shop.secret = new
        assert shop.post(sample(shop.platform), at=at)[0] == 200


def test_a_revoked_secret_ends_at_once(shop):
    with db.transaction() as session:
        secret_rotation.rotate_secret(session, shop.shop.slug, "", clock.now(), revoke=True)

    assert shop.post(sample(shop.platform))[0] == 401


def test_a_database_that_is_away_is_a_503_that_says_when_to_come_back(shop, installation, database):
    with db.engine().begin() as link:
        link.exec_driver_sql("DROP TABLE decision_log")

    data = json.dumps(sample(shop.platform)).encode()
    answer = shop.client.post(
        shop.url, data=data, headers=signed_request(shop.platform, shop.secret, data)
    )

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert "decisions" not in answer.text
    assert rows(orders) == []


def test_an_answer_never_repeats_what_came_in(shop):
    body = sample(shop.platform)

    for data in (json.dumps(body).encode()[:-1], b'{"canary-81": "canary-82"}'):
        status, answer = shop.post(data, headers={"X-Canary": "canary-83"})
        assert status == 400
        assert "canary" not in json.dumps(answer)
        assert "voorbeeld" not in json.dumps(answer)


def test_a_database_that_is_not_there_at_all_is_a_503_too(shop, installation):
    with db.engine().begin() as link:
        link.exec_driver_sql("ALTER TABLE shops RENAME TO elsewhere")

    assert shop.post(sample(shop.platform))[0] == 503


def test_long_delivery_ids_that_differ_at_their_end_are_two_deliveries(client, installation):
    shop = Shop(client, "standard")
    first, second = "m" * 300 + "1", "m" * 300 + "2"

    answers = [
        shop.post(sample("standard", data__reference=reference), message_id=message_id)
        for reference, message_id in (("A1", first), ("A2", second), ("A3", second))
    ]

    assert [status for status, _ in answers] == [202, 202, 409]


def test_a_missing_field_is_named_and_nothing_is_repeated(client):
    shop = Shop(client, "standard")

    status, answer = shop.post({"type": "order.paid", "data": {"email": "private@post.nl"}})
    assert (status, answer["detail"]) == (400, "The field data.reference is missing.")
    status, answer = shop.post({"type": "order.private", "data": {"reference": "R"}})
    assert (status, answer) == (200, ignored("unknown_topic")[1] | {"field": "type"})
    status, answer = shop.post({"type": "order.created", "data": {"reference": "R"}})
    assert (status, answer) == (200, ignored("no_address")[1] | {"field": "data.email"})
    assert count() == NOTHING


def test_the_schema_of_the_standard_endpoint_is_public_and_may_be_cached(client):
    answer = client.get("/schemas/order-1.json")

    assert (answer.status_code, answer.mimetype) == (200, "application/schema+json")
    assert answer.get_json(force=True)["$id"] == "urn:trustsvc:schema:order-1"
    assert answer.headers["Cache-Control"] == "public, max-age=86400"
    assert "Set-Cookie" not in answer.headers
    tag = {"If-None-Match": answer.headers["ETag"]}
    assert client.get("/schemas/order-1.json", headers=tag).status_code == 304


@pytest.mark.parametrize(
    ("platform", "changes", "topic", "reason"),
    [
        ("shopify", {"test": True}, None, "test_order"),
        ("standard", {"data__test": True}, None, "test_order"),
        ("standard", {"type": "order.exported"}, None, "unknown_topic"),
        (
            "standard",
            {"type": "order.updated", "data": {"reference": "LDC-2026-00318"}},
            None,
            "no_address",
        ),
    ],
)
def test_a_delivery_without_effect_is_logged_at_the_order_it_is_about(
    client, platform, changes, topic, reason
):
    shop = Shop(client, platform)
    other = Shop(client, platform, name="Other")
    for one in (shop, other):
        assert one.post(sample(platform))[0] == 202

    status, answer = shop.post(sample(platform, **changes), topic)

    assert (status, answer["status"], answer["reason"]) == (200, "ignored", reason)
    mine = next(row for row in rows() if row.shop_id == shop.shop.id)
    logged = [(row.order_id, row.rule) for row in rows(decisions) if row.rule == reason]
    assert logged == [(mine.id, reason)]
