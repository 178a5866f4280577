import json

from tests.cli.test_shop import add_shop, run_shop
from trustsvc.badge import embed_code


def test_all_kinds_are_printed_for_people_and_for_scripts(installation):
    made = json.loads(add_shop().stdout)

    output = run_shop("badge", "cafe-noir").stdout
    read = json.loads(run_shop("badge", "cafe-noir", "--json").stdout)

    assert tuple(read) == embed_code.KINDS
    assert all(written in output for written in read.values())
    assert read["script"] == made["badge_html"]
    assert read["pinned"] == made["badge_html_pinned"]
    assert read["policy"] == made["csp"]


def test_the_policy_is_printed_when_a_shop_is_enrolled(installation):
    done = run_shop("add", "--name", "Shop", "--domain", "s.example", "--platform", "standard")

    assert f"script-src {installation.base_url}; connect-src {installation.base_url}" in done.output
    assert "trustsvc shop badge shop" in done.output
    written = json.loads(run_shop("badge", "shop", "--json").stdout)
    assert written["script"] in done.output
    assert written["pinned"] in done.output


def test_an_unknown_shop_is_refused_in_a_sentence(installation):
    done = run_shop("badge", "nobody")

    assert (done.exit_code, "Traceback" in done.output) == (1, False)
