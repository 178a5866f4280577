import json
from dataclasses import replace

import pytest

from tests.cli.test_shop import add_shop, run_shop
from tests.reviews.sample_reviews import shop
from trustsvc.badge import embed_code, scripts


def test_all_kinds_are_in_the_shop_s_language_and_lead_here(installation):
    written = embed_code.for_shop(replace(shop(), language="de"))

    assert tuple(written) == embed_code.KINDS
    assert all(installation.base_url in text for text in written.values())
    assert "Bewertungen" in written["script"]
    for kind in ("image", "email", "script", "pinned", "list", "list_pinned"):
        assert "Datenschutz und Widerspruch" in written[kind]


@pytest.mark.parametrize("kind", ["fragment", "shields", "feed"])
def test_an_address_that_is_named_answers(client, installation, kind):
    made = json.loads(add_shop().stdout)

    address = json.loads(run_shop("badge", made["shop"], "--json").stdout)[kind]

    assert client.get(address.removeprefix(installation.base_url)).status_code == 200


@pytest.mark.parametrize(("kind", "name"), [("pinned", "badge.js"), ("list_pinned", "list.js")])
def test_a_pinned_kind_names_the_hash_of_what_is_served_there(client, kind, name):
    pinned = embed_code.for_shop(shop())[kind]
    address = pinned.partition('src="')[2].partition("/embed/")[2].partition('"')[0]

    served = client.get(f"/embed/{scripts.newest_release()}/{name}").data

    assert address in pinned
    assert f'integrity="{scripts.integrity(served)}"' in pinned
