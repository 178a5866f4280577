from dataclasses import replace

from tests.reviews.at_the_desk import shop
from trustsvc.badge import embed, scripts


def test_all_kinds_are_in_the_shop_s_language_and_lead_here(house):
    written = embed.of(replace(shop(), language="de"))

    assert tuple(written) == embed.KINDS
    assert all(house.base_url in text for text in written.values())
    assert "Bewertungen" in written["script"]
    assert "Datenschutz und Widerspruch" in written["image"]


def test_the_pinned_kind_names_the_hash_of_what_is_served_there(client):
    pinned = embed.of(shop())["pinned"]
    address = pinned.partition('src="')[2].partition("/embed/")[2].partition('"')[0]

    served = client.get(f"/embed/{scripts.newest()}/badge.js").data

    assert address in pinned
    assert f'integrity="{scripts.integrity(served)}"' in pinned
