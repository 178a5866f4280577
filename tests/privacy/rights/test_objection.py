from datetime import timedelta

import pytest
from sqlalchemy import func, select

from tests.invitations import sample_orders
from tests.invitations.sample_orders import NOON, quiet
from tests.privacy.rights import my_data_pages
from trustsvc import clock
from trustsvc.orders import privacy_requests, request_models
from trustsvc.privacy.views import privacy_page_limit
from trustsvc.registry import registration
from trustsvc.registry.models import opt_outs
from trustsvc.storage import db, suppression_journal

pytestmark = [pytest.mark.both_databases, pytest.mark.slow]


@pytest.fixture(autouse=True)
def noon():
    with clock.at(NOON):
        yield


def objected(client, address, slug="bakfiets-co", **form):
    with quiet():
        return client.post(f"/object/{slug}", data={"email": address} | form)


def out():
    with db.reading() as session:
        return [(row.shop_id, row.reason) for row in session.execute(select(opt_outs))]


def test_by_the_link_it_stops_at_once_and_a_copy_is_handed_over(client):
    shop = sample_orders.shop()
    order_id = sample_orders.invited(shop)

    answer = my_data_pages.post(client, order_id, "object")

    assert answer.status_code == 200
    assert sample_orders.sent_invitations().messages == []
    assert sample_orders.order_row(order_id).email is None
    assert out() == [(shop.id, "objection")]
    (message,) = my_data_pages.mailed()
    assert message.to_address == my_data_pages.JAN
    copy = next(line for line in message.text.splitlines() if "/me/" in line)
    handed = client.get(copy.partition("8000")[2] + "/copy.json").json
    assert handed["data"]["orders"][0]["email"] == my_data_pages.JAN
    assert handed["data"]["orders"][0]["name"] == "Jan Jansen"


def test_it_holds_for_every_shop_where_the_person_says_so(client):
    order_id = sample_orders.invited(sample_orders.shop())
    elsewhere = sample_orders.invited(sample_orders.shop(name="Other"))

    my_data_pages.post(client, order_id, "object", scope="all")

    assert (0, "objection") in out()
    assert sample_orders.sent_invitations().messages == []
    assert sample_orders.order_row(elsewhere).email is None


def test_what_is_published_stays_because_it_has_a_right_of_its_own(client):
    order_id = my_data_pages.reviewed(sample_orders.shop())

    my_data_pages.post(client, order_id, "object")

    assert len(my_data_pages.published()) == 1


def test_before_the_first_message_an_address_is_enough(client):
    shop = sample_orders.shop()

    objected(client, "JAN@mail.example")
    order_id = sample_orders.invited(shop)

    assert sample_orders.message_of(order_id) is None
    assert out() == [(shop.id, "objection")]
    assert [line.kind for line in suppression_journal.read().lines] == ["opt_out"]


def test_whoever_is_known_gets_the_copy_and_strangers_are_asked_to_confirm(client):
    order_id = sample_orders.invited(sample_orders.shop())

    objected(client, "Jan@Mail.example")
    objected(client, "stranger@mail.example")
    my_data_pages.answered()

    messages = my_data_pages.mailed()
    assert [one.to_address for one in messages] == [my_data_pages.JAN, "stranger@mail.example"]
    assert ["?scope=at-" in one.text for one in messages] == [False, True]
    assert sample_orders.order_row(order_id).email is None
    with db.reading() as session:
        assert (
            session.scalar(select(func.count()).select_from(request_models.privacy_requests)) == 0
        )


def test_the_page_stops_the_next_message_without_waiting_for_the_job(client):
    sample_orders.invited(sample_orders.shop())

    objected(client, my_data_pages.JAN)

    assert sample_orders.sent_invitations().messages == []


def test_every_address_gets_the_same_answer(client):
    sample_orders.invited(sample_orders.shop())

    known, unknown = objected(client, my_data_pages.JAN), objected(client, "stranger@mail.example")
    again = objected(client, my_data_pages.JAN)

    assert known.data == unknown.data == again.data
    assert b"mail.example" not in known.data


def test_twice_hands_over_one_copy(client):
    sample_orders.invited(sample_orders.shop())
    for _ in range(2):
        objected(client, my_data_pages.JAN)
        my_data_pages.answered()

    assert len(my_data_pages.mailed()) == 1


@pytest.mark.parametrize(
    "entered", ["", "nonsense", "a@b", "x" * 5000, "<script>@x.example", "a@x\0.nl"]
)
def test_what_is_no_address_is_refused_and_not_repeated(client, entered):
    sample_orders.shop()

    answer = objected(client, entered)

    assert answer.status_code == 422
    assert "<script>@" not in answer.text
    assert out() == []


def test_a_shop_that_is_not_there_has_no_page(client):
    assert client.get("/object/nobody").status_code == 404
    assert objected(client, my_data_pages.JAN, slug="nobody").status_code == 404
    assert out() == []


def test_the_copy_is_gone_after_an_erasure(client):
    order_id = sample_orders.invited(sample_orders.shop())
    my_data_pages.post(client, order_id, "object")
    (message,) = my_data_pages.mailed()
    copy = next(line for line in message.text.splitlines() if "/me/" in line).partition("8000")[2]

    with quiet():
        client.post(f"{copy}/erase")

    assert client.get(copy).status_code == 404


def test_the_page_does_as_much_on_disk_for_one_who_is_out_already(client):
    shop = sample_orders.shop()
    for _ in range(2):
        with quiet():
            client.post(f"/object/{shop.slug}", data={"email": my_data_pages.JAN})

    assert len(suppression_journal.read().lines) == 2


def test_while_too_many_wait_nothing_is_written_down_for_ever(client, monkeypatch):
    shop = sample_orders.shop()
    monkeypatch.setattr(privacy_requests, "MAX_OF_SHOP", 0)

    assert client.post(f"/object/{shop.slug}", data={"email": my_data_pages.JAN}).status_code == 503
    assert suppression_journal.read() is None


def everywhere(client, address, slug="bakfiets-co"):
    answer = objected(client, address, slug, everywhere="yes")
    my_data_pages.answered()
    return answer


def test_a_stranger_stops_one_shop_and_the_mailbox_decides_for_the_others(client):
    shop = sample_orders.shop()
    sample_orders.invited(shop)
    elsewhere = sample_orders.invited(sample_orders.shop(name="Other"))

    everywhere(client, my_data_pages.JAN)

    assert out() == [(shop.id, "objection")]
    assert sample_orders.order_row(elsewhere).email == my_data_pages.JAN
    _, message = my_data_pages.mailed()
    assert (message.to_address, message.text.count("/me/")) == (my_data_pages.JAN, 1)
    path = next(line for line in message.text.splitlines() if "/me/" in line).partition("8000")[2]
    assert path.endswith("/object")
    assert client.get(path).status_code == 200
    assert sample_orders.order_row(elsewhere).email == my_data_pages.JAN
    with quiet():
        client.post(path, data={"scope": "all"})
    assert (0, "objection") in out()
    assert sample_orders.order_row(elsewhere).email is None


def test_a_registered_buyer_is_asked_by_message_too(client):
    shop = sample_orders.shop()
    with quiet(), db.transaction() as session:
        registration.register(session, my_data_pages.JAN, "v1", "page", NOON)

    everywhere(client, my_data_pages.JAN)

    assert out() == [(shop.id, "objection")]
    assert {message.to_address for message in my_data_pages.mailed()} == {my_data_pages.JAN}


def test_of_an_address_that_nobody_knows_it_holds_nowhere_until_its_owner_confirms(client):
    shop = sample_orders.shop()

    everywhere(client, "stranger@mail.example")

    assert out() == []
    (message,) = my_data_pages.mailed()
    assert (message.to_address, shop.name in message.text) == ("stranger@mail.example", False)


def test_all_shops_give_every_address_the_same_answer(client):
    sample_orders.invited(sample_orders.shop())

    known, unknown = (
        everywhere(client, my_data_pages.JAN),
        everywhere(client, "stranger@mail.example"),
    )

    assert known.data == unknown.data
    assert known.headers["Content-Length"] == unknown.headers["Content-Length"]


def test_the_register_has_one_line_of_who_was_known_and_one_of_each_question_to_a_stranger(client):
    order_id = sample_orders.invited(sample_orders.shop())
    for address in (my_data_pages.JAN, my_data_pages.JAN, "stranger@mail.example"):
        objected(client, address)
        with clock.at(NOON + timedelta(minutes=1)):
            my_data_pages.answered()
            objected(client, address)
            my_data_pages.answered()
    my_data_pages.post(client, order_id, "object")

    known, *strangers = my_data_pages.register()
    assert known == ("object", "done", "person")
    assert strangers == [("object", "done", "confirmation")] * 2


@pytest.mark.parametrize("path", ["/object/bakfiets-co", "/me"])
def test_a_flood_from_one_network_is_stopped_and_others_are_not(client, path):
    sample_orders.shop()

    def attempt(number, network):
        data = {"email": f"b{number}@mail.example"}
        with quiet():
            return client.post(path, data=data, environ_base={"REMOTE_ADDR": f"{network}.7"})

    codes = [
        attempt(number, "198.51.100").status_code for number in range(privacy_page_limit.limit)
    ]
    over, other = attempt(99, "198.51.100"), attempt(99, "203.0.113")

    assert codes == [200] * privacy_page_limit.limit
    assert (over.status_code, over.headers["Retry-After"]) == (429, "600")
    assert other.status_code == 200
