import pytest

from tests.orders.platforms.test_parse import parse
from trustsvc.orders.platform_status import ParcelState


@pytest.mark.parametrize(
    ("changes", "fulfilled", "delivery"),
    [
        ({"type": "order.delivered", "data__shipment_status": "returned"}, False, "FAILED"),
        ({"type": "order.shipped", "data__fulfillmentStatus": "RETURNED"}, False, "FAILED"),
        ({"type": "order.paid", "data__fulfillment_status": "restocked"}, False, "FAILED"),
        ({"type": "order.paid", "data__fulfillment_status": "partial"}, False, "IN_TRANSIT"),
        ({"type": "order.shipped", "data__shipment_status": "by_balloon"}, False, None),
        ({"type": "order.shipped", "data__shipment_status": "shipped"}, True, None),
        ({"type": "order.updated", "data__shipment_status": "delivered"}, True, "DELIVERED"),
        ({"type": "shipment.returned"}, True, "FAILED"),
        ({"type": "order.shipped"}, True, None),
    ],
)
def test_a_field_that_says_that_it_was_not_delivered_counts_before_the_type(
    changes, fulfilled, delivery
):
    order = parse("standard", **changes)

    assert order.fulfilled is fulfilled
    assert order.delivery is (ParcelState[delivery] if delivery else None)


def test_only_a_field_that_tells_of_the_delivery_has_no_moment_of_it():
    noted = parse("standard", type="order.updated", data__shipment_status="delivered")

    assert "delivery" in noted.estimated
    assert "delivery" not in parse("standard", type="order.delivered").estimated


def test_language_and_company_are_read_in_the_usual_places():
    said = {"data__locale": ...}

    assert parse("standard", data__language={"code": "de"}, **said).locale == "de"
    assert parse("standard", data__languageCode="de", **said).locale == "de"
    company = {"data__name": "Bakkerij Jansen", "data__company": "Bakkerij Jansen B.V."}
    assert parse("standard", **company).name == ""


def test_an_address_that_was_emptied_is_not_taken_from_the_customer():
    customer = {"email": "anna@mail.example"}
    emptied = parse("standard", data__email="", data__customer=customer)

    assert (emptied.email, emptied.is_whole) == ("", True)
    assert parse("standard", data__email=..., data__customer=customer).email == customer["email"]
