"""Tests:
trustsvc/invitations/personal_data.py
trustsvc/orders/personal_data.py
trustsvc/registry/personal_data.py
"""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests import all_tables
from tests.invitations import sample_orders
from tests.invitations.sample_orders import NOON, quiet
from tests.privacy.rights import my_data_pages
from trustsvc import clock
from trustsvc.crypto import signed_links
from trustsvc.orders.platform_status import PlatformStatus
from trustsvc.privacy.models import my_data_links
from trustsvc.privacy.rights import access_report
from trustsvc.registry import double_opt_in, registration
from trustsvc.registry.opt_out import opt_out
from trustsvc.reviews import reply
from trustsvc.storage import columns, db

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]

all_tables.load()
PERSONAL = {"none", "staff", "secret"}
# Tables about staff and shops.
NOBODY = {"staff", "staff_links", "staff_sessions", "shops"}


@pytest.fixture(autouse=True)
def noon():
    with clock.at(NOON):
        yield


def tagged():
    return {
        str(column)
        for table in columns.metadata.sorted_tables
        if table.name not in NOBODY | set(access_report.NOT_LINKED_TO_A_PERSON)
        for column in table.columns
        if column.info["category"] not in PERSONAL
    }


def test_the_copy_holds_every_tagged_column_that_can_hold_something_of_a_person(client):
    shop = sample_orders.shop(cap_days=0)
    order_id = my_data_pages.reviewed(shop, consent=True)
    sample_orders.invited(shop)
    with quiet(), db.transaction() as session:
        reply.write_reply(session, my_data_pages.review().id, "Dank u wel.", "staff 1", NOON)
        asked_for = registration.ConsentRequest("nl", NOON)
        registration.register(session, my_data_pages.JAN, "v1", "page", NOON, asked_for)
        double_opt_in.request_registration(
            session,
            double_opt_in.RegistrationRequest(my_data_pages.JAN, shop.id, "nl", "page"),
            NOON,
        )
        opt_out(session, my_data_pages.JAN, 99, "stop", NOON)
    my_data_pages.post(client, order_id, "object")  # makes a link with a copy, and an e-mail
    with quiet():
        client.post(f"/object/{shop.slug}", data={"email": my_data_pages.JAN})
    my_data_pages.answered()
    sample_orders.place(shop, zone="Europe/Amsterdam", dispute=PlatformStatus.OPEN)
    asked(client)
    my_data_pages.answered()
    with quiet(), db.transaction() as session:
        person = my_data_pages.person()
        from trustsvc.registry.restriction import restrict

        restrict(session, person.pseudonyms[shop.id], shop.id, NOON)

    copy = exported(my_data_pages.person())

    filled = {
        f"{table}.{column}"
        for table, rows in copy["data"].items()
        for row in rows
        for column, value in row.items()
        if value not in {None, ""}
    }
    assert tagged() - filled == set()
    assert all(copy["columns"][table] for table in copy["data"])


def exported(person):
    with db.reading() as session:
        return access_report.as_dict(session, person, NOON)


def asked(client, address=my_data_pages.JAN, **more):
    with quiet():
        return client.post("/me", data={"email": address}, **more)


def matches(schema, value, root):
    """Check what our schema uses of JSON Schema: types, required, additional, const, enum."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "null": type(None)}
    kinds |= {"boolean": bool}
    wanted = schema.get("type", [])
    wanted = [wanted] if isinstance(wanted, str) else wanted
    assert not wanted or isinstance(value, tuple(kinds[name] for name in wanted)), (schema, value)
    assert value == schema.get("const", value)
    assert value in schema.get("enum", [value])
    if isinstance(value, dict):
        assert set(schema.get("required", [])) <= set(value)
        for name, inner in value.items():
            rule = schema["properties"].get(name) if "properties" in schema else None
            rule = rule if rule is not None else schema.get("additionalProperties", True)
            assert rule is not False, name
            matches(rule if isinstance(rule, dict) else {}, inner, root)
    if isinstance(value, list):
        for inner in value:
            matches(schema.get("items", {}), inner, root)


def test_the_copy_is_what_the_published_schema_says(client):
    order_id = my_data_pages.reviewed(sample_orders.shop())
    answer = client.get(my_data_pages.path(order_id, "copy.json"))
    schema = client.get("/schemas/my-data-1.json")

    assert (schema.status_code, schema.json["type"]) == (200, "object")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "no-store"
    matches(schema.json, answer.json, schema.json)
    assert answer.json["schema"].endswith("/schemas/my-data-1.json")


def test_it_holds_nothing_of_another_buyer(client):
    shop = sample_orders.shop()
    order_id = my_data_pages.reviewed(shop)
    my_data_pages.reviewed(shop, email="piet@mail.example", name="Piet Puk")

    body = client.get(my_data_pages.path(order_id, "copy.json")).text

    assert "Jan Jansen" not in body  # forgotten with the review
    assert my_data_pages.JAN in body
    assert "piet@mail" not in body.lower()


def test_a_messages_link_tells_of_its_own_shop_only(client):
    order_id = sample_orders.invited(sample_orders.shop())
    other = sample_orders.invited(sample_orders.shop(name="Other"), identity="elsewhere")

    body = client.get(my_data_pages.path(order_id, "copy.json")).text

    assert "elsewhere" not in body
    assert sample_orders.order_row(other).reference == "#elsewhere"


def test_the_link_that_was_asked_for_tells_of_every_shop_for_three_days(client):
    sample_orders.invited(sample_orders.shop())
    sample_orders.invited(
        sample_orders.shop(name="Other"), identity="elsewhere", email="JAN@mail.example"
    )

    asked(client, "Jan@Mail.example")
    my_data_pages.answered()

    (message,) = my_data_pages.mailed()
    path = re.search(r"/me/\S+", message.text)[0]
    assert message.to_address == "JAN@mail.example"
    page = client.get(path).text
    assert "Bakfiets &amp; Co" in page
    assert "elsewhere" in page
    assert my_data_pages.register() == [("see", "done", "person")]
    with clock.at(NOON + timedelta(days=3, minutes=1)):
        assert client.get(path).status_code == 410


def test_asking_answers_the_same_and_writes_to_nobody_unknown(client):
    sample_orders.invited(sample_orders.shop())

    known, unknown = asked(client), asked(client, "stranger@mail.example")
    my_data_pages.answered()

    assert known.data == unknown.data
    assert known.headers["Cache-Control"] == "no-store"
    assert [message.to_address for message in my_data_pages.mailed()] == [my_data_pages.JAN]


def test_nobody_fills_anothers_mailbox(client):
    sample_orders.invited(sample_orders.shop())
    for _ in range(12):
        asked(client)
    my_data_pages.answered()

    assert len(my_data_pages.mailed()) == 5


def test_a_flood_of_requests_is_answered_503(client, monkeypatch):
    from trustsvc.orders import privacy_requests

    monkeypatch.setattr(privacy_requests, "MAX_OF_SHOP", 2)
    answers = [asked(client, f"b{number}@mail.example").status_code for number in range(4)]

    assert answers == [200, 200, 503, 503]


def test_whoever_only_opted_out_is_known_too(client):
    sample_orders.shop()
    with quiet(), db.transaction() as session:
        opt_out(session, my_data_pages.JAN, 0, "stop", NOON)

    asked(client)
    my_data_pages.answered()

    assert len(my_data_pages.mailed()) == 1


def test_a_question_that_fails_does_not_hold_up_the_others(client, monkeypatch):
    from trustsvc.privacy.rights import answer_requests

    sample_orders.invited(sample_orders.shop())
    real = answer_requests.people.by_address

    def fail(session, address, *more):
        if address == "poison@mail.example":
            raise ValueError(address)
        return real(session, address, *more)

    monkeypatch.setattr(answer_requests.people, "by_address", fail)
    asked(client, "poison@mail.example")
    asked(client)
    my_data_pages.answered()

    assert len(my_data_pages.mailed()) == 1


def test_the_page_shows_the_decision_log_the_processors_and_the_choices(client):
    order_id = sample_orders.invited(sample_orders.shop())
    with quiet(), db.transaction() as session:
        opt_out(session, my_data_pages.JAN, 0, "stop", NOON)

    page = client.get(my_data_pages.path(order_id)).text

    for part in (
        "de winkel vraagt al haar kopers",
        "127.0.0.1",
        "Geen enkele winkel mag je vragen",
    ):
        assert part in page


def test_links_and_copies_are_encrypted(client):
    order_id = sample_orders.invited(sample_orders.shop())
    my_data_pages.post(client, order_id, "object")

    with db.reading() as session:
        (row,) = session.execute(select(my_data_links.c.copy, my_data_links.c.address)).all()
        raw = session.connection().exec_driver_sql("SELECT copy, address FROM my_data_links").all()
    assert my_data_pages.JAN in row.copy
    assert all(my_data_pages.JAN.encode() not in bytes(value) for value in raw[0])


@pytest.mark.parametrize(
    "deed", ["", "copy.json", "erase", "correct", "object", "restrict", "lift"]
)
def test_a_token_of_another_purpose_or_none_opens_nothing(client, deed):
    order_id = sample_orders.invited(sample_orders.shop())
    wrong = [signed_links.token("stop", my_data_pages.link(order_id)), "x.y", "%00", "a" * 300]

    for token in wrong:
        path = f"/me/{token}" + (f"/{deed}" if deed else "")
        assert client.get(path).status_code == 404
        if deed != "copy.json":
            assert client.post(path).status_code == 404
    assert sample_orders.order_row(order_id).email == my_data_pages.JAN
