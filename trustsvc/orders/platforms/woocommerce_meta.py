"""What plug-ins of WooCommerce leave with an order: a choice, tags, and what it is skipped for."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, repr=False)
class Notes:
    """What plug-ins note with an order, and the same as texts; a value that is not plain counts."""

    pairs: Sequence[tuple[str, object]]
    texts: Mapping[str, str]


def notes(tree: fields.Tree) -> Notes:
    """Read the notes: of one name the first and the last, as of a history.

    Each that may hold the buyer's no is looked at.
    """
    by_name: dict[str, list[tuple[str, object]]] = {}
    for name, value in fields.pairs(tree, "meta_data"):
        of_name = by_name.setdefault(name, [])
        if len(of_name) >= MAX_OF_ONE_NAME and not _may_refuse(name):
            of_name.pop(MAX_OF_ONE_NAME // 2)
        of_name.append((name, value))
    pairs = [pair for of_name in by_name.values() for pair in of_name]
    return Notes(pairs, _texts(pairs))


def _may_refuse(name: str) -> bool:
    return refusal.answers(name) or name.strip("_") == TAGS_META


def consent(tree: fields.Tree, noted: Notes) -> bool | None:
    """Read what the shop notes of the buyer's choice; a no counts, whatever else the order says."""
    found = refusal.in_notes(noted.pairs)
    return False if refusal.in_tags(_tags(tree, noted)) else found


def _tags(tree: fields.Tree, noted: Notes) -> set[str]:
    of_notes = (
        fields.tags({"value": value}, "value")
        for key, value in noted.pairs
        if key.strip("_") == TAGS_META
    )
    return fields.tags(tree, "tags").union(*of_notes)


def traits(tree: fields.Tree, noted: Notes) -> frozenset[str]:
    """Say what a shop may have the order skipped for (docs/how-to/skip.md)."""
    set_keys = _set_keys(noted.texts)
    words_of_keys = [_words(key) for key in set_keys]
    via = fields.word(tree, "created_via")
    items = fields.rows(tree, "line_items")
    found = {
        "renewal": via == "subscription" or not RENEWAL_META.isdisjoint(set_keys),
        "pos": not POS.isdisjoint(_words(via)) or not POS_META.isdisjoint(map(str.lower, set_keys)),
        "test-gateway": fields.word(tree, "payment_method") in TEST_GATEWAYS,
        "zero-total": amounts.amount(tree, "total") == 0,
        "gift-card": bool(items) and all(_is_gift_card(item) for item in items),
        "wholesale": any("wholesale" in words for words in words_of_keys)
        or any(value.lower() in WHOLESALE for value in noted.texts.values()),
        "marketplace": any(_is_marketplace(words) for words in (_words(via), *words_of_keys)),
    }
    names = {name for name, holds in found.items() if holds}
    return frozenset(names | {f"tag:{tag}" for tag in _tags(tree, noted)})


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
    kinds = {
        fields.word(item, "product_type", "type"),
        *map(str.lower, _texts(fields.pairs(item, "meta_data"))),
    }
    return any(GIFT_CARD.search(kind) for kind in kinds)


def _texts(pairs: Iterable[tuple[str, object]]) -> dict[str, str]:
    return {
        key: fields.text({"value": value}, "value") or ("yes" if value else "")
        for key, value in pairs
    }
