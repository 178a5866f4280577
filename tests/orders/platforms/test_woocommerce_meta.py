import pytest

from tests.orders.platforms.test_parse import parse

RENEWALS = [
    *("_subscription_renewal", "_subscription_renewal_early", "wps_sfw_renewal_order"),
    *("is_a_renew", "sumo_renewal_order_date"),
]
TILLS = ["_pos", "_pos_user", "_yith_pos_order", "_wepos_is_pos_order", "_is_vitepos"]
TILLS += ["_foosales_order_source", "_op_order_source", "wc_pos_order_type"]


def traits(key, value):
    return parse("woocommerce", meta_data=[{"key": key, "value": value}]).traits


@pytest.mark.parametrize(
    ("key", "trait"),
    [
        *((key, "renewal") for key in RENEWALS),
        *((key, "pos") for key in TILLS),
        ("_amazon_order_id", "marketplace"),
        ("_wholesale_price", "wholesale"),
    ],
)
def test_a_meta_counts_only_with_a_value(key, trait):
    assert trait in traits(key, "4711")
    for nothing in ("", "no", "0", False, None, [], "null", "none"):
        assert trait not in traits(key, nothing)


@pytest.mark.parametrize("key", ["_scroll_pos", "_banner_pos", "pos_x", "_position"])
def test_a_position_is_no_point_of_sale(key):
    assert "pos" not in traits(key, "120")


@pytest.mark.parametrize(
    "via", ["pos-rest-api", "wcpos", "wepos", "vitepos", "foosales", "woocommerce-pos", "POS"]
)
def test_a_till_is_known_by_created_via(via):
    assert "pos" in parse("woocommerce", created_via=via).traits
    assert "pos" not in parse("woocommerce", created_via="checkout").traits


def test_who_gets_the_parcel_is_not_greeted():
    nobody = {"billing__first_name": "", "billing__last_name": ""}
    gift = {"first_name": "Piet", "last_name": "Ontvanger"}

    assert parse("woocommerce", **nobody, shipping=gift).name == ""


def test_an_address_that_was_emptied_is_not_taken_from_the_customer():
    known = {"email": "anna@mail.example"}
    emptied = parse("woocommerce", billing__email="", customer=known)
    left_out = parse("woocommerce", billing=...)

    assert (emptied.email, emptied.is_whole) == ("", True)
    assert (left_out.email, left_out.is_whole) == ("", False)
