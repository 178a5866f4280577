"""What plug-ins of WooCommerce leave with an order: a choice, tags, and what it is skipped for."""

import re
from collections.abc import Mapping

from trustsvc.orders.platforms import amounts, fields, refusal

MARKETPLACES = {"amazon", "ebay", "bol", "channable", "codisto", "wplister", "etsy", "kaufland"}
TEST_GATEWAYS = {"bogus", "dummy", "test", "test_gateway", "wc_test"}
POS = {  # words of created_via
    *("pos", "openpos", "wcpos", "wepos", "vitepos", "jpos"),
    *("foosales", "foosalespos", "fooeventspos"),
}
POS_META = {
    *("_pos", "_pos_user", "_pos_store", "wc_pos_order_type", "wc_pos_register_id"),
    *("_yith_pos_order", "_wepos_is_pos_order", "_is_vitepos"),
    *("_foosales_order_source", "_op_order_source"),
}
RENEWAL_META = {  # of WooCommerce Subscriptions, WP Swings, YITH and SUMO
    *("_subscription_renewal", "_subscription_renewal_early"),
    *("wps_sfw_renewal_order", "is_a_renew", "sumo_renewal_order_date"),
}
MAX_OF_ONE_NAME = 40  # parcels of an order
TAGS_META = "trustsvc_tags"
NO_VALUE = {"", "null", "none", "undefined", "[]", "{}", "a:0:{}"}
WHOLESALE = {"wholesale", "wholesaler", "wholesale_customer", "wholesale_order"}
PAYMENT = {  # Amazon Pay is no marketplace
    *("pay", "payment", "payments", "charge", "authorization", "capture", "reference"),
    *("permission", "billing", "agreement", "login", "refund", "checkout"),
}
GIFT_CARD = re.compile(r"gift[ _-]?(?:cards?|certificates?|vouchers?)")


def bounded(tree: fields.Tree) -> list[fields.Tree]:
    """Give the rows that are looked at: of one name the first and the last, as of a history.

    Each row that may hold the buyer's no is looked at.
    """
    by_name: dict[str, list[fields.Tree]] = {}
    for name, value in fields.pairs(tree, "meta_data"):
        of_name = by_name.setdefault(name, [])
        if len(of_name) >= MAX_OF_ONE_NAME and not _may_refuse(name):
            of_name.pop(MAX_OF_ONE_NAME // 2)
        of_name.append({"key": name, "value": value})
    return [row for of_name in by_name.values() for row in of_name]


def _may_refuse(name: str) -> bool:
    return refusal.answers(name) or name.strip("_") == TAGS_META


def consent(tree: fields.Tree) -> bool | None:
    """Read what the shop notes of the buyer's choice; a no counts, whatever else the order says."""
    noted = refusal.in_notes(fields.pairs(tree, "meta_data"))
    return False if refusal.in_tags(_tags(tree)) else noted


def _tags(tree: fields.Tree) -> set[str]:
    noted = (
        fields.tags({"value": value}, "value")
        for key, value in fields.pairs(tree, "meta_data")
        if key.strip("_") == TAGS_META
    )
    return fields.tags(tree, "tags").union(*noted)


def traits(tree: fields.Tree) -> frozenset[str]:
    """Say what a shop may have the order skipped for (docs/how-to/skip.md)."""
    meta = read(tree)
    set_keys = _set_keys(meta)
    via = fields.word(tree, "created_via")
    items = fields.rows(tree, "line_items")
    found = {
        "renewal": via == "subscription" or not RENEWAL_META.isdisjoint(set_keys),
        "pos": not POS.isdisjoint(_words(via)) or not POS_META.isdisjoint(map(str.lower, set_keys)),
        "test-gateway": fields.word(tree, "payment_method") in TEST_GATEWAYS,
        "zero-total": amounts.amount(tree, "total") == 0,
        "gift-card": bool(items) and all(_is_gift_card(item) for item in items),
        "wholesale": any("wholesale" in _words(key) for key in set_keys)
        or any(value.lower() in WHOLESALE for value in meta.values()),
        "marketplace": any(_is_marketplace(_words(key)) for key in [via, *set_keys]),
    }
    names = {name for name, holds in found.items() if holds}
    return frozenset(names | {f"tag:{tag}" for tag in _tags(tree)})


def _words(key: str) -> list[str]:
    return re.split("[^a-z]+", key.lower())


def _set_keys(meta: Mapping[str, str]) -> list[str]:
    """Give the keys whose value is not empty and not a no."""
    return [
        key
        for key, value in meta.items()
        if value.lower() not in NO_VALUE and fields.flag({"value": value}, "value") is not False
    ]


def _is_marketplace(words: list[str]) -> bool:
    """Whether a marketplace is named, and not as a way to pay or to sign in."""
    return not MARKETPLACES.isdisjoint(words) and PAYMENT.isdisjoint(words)


def _is_gift_card(item: fields.Tree) -> bool:
    kinds = {fields.word(item, "product_type", "type"), *map(str.lower, read(item))}
    return any(GIFT_CARD.search(kind) for kind in kinds)


def read(tree: fields.Tree) -> dict[str, str]:
    """Read what plug-ins leave with an order; a value that is not plain counts as there."""
    return {
        key: fields.text({"value": value}, "value") or ("yes" if value else "")
        for key, value in fields.pairs(tree, "meta_data")
    }
