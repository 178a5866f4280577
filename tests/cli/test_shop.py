"""Also tests trustsvc/cli/shop_settings.py."""

import json

import pytest
from click.testing import CliRunner

from tests.orders.webhook_client import sample
from tests.signing import signed_request
from trustsvc.cli import main

pytestmark = pytest.mark.slow

PLATFORMS = ["shopify", "woocommerce", "lightspeed", "standard"]


def run_shop(*words):
    return CliRunner().invoke(main, ["shop", *words])


def add_shop(platform="standard", *more, name="Café Noir"):
    words = ["--name", name, "--domain", "cafe.example", "--platform", platform, *more]
    return run_shop("add", *words, "--json")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_add_prints_is_enough_to_send_an_order(client, installation, platform):
    done = add_shop(platform)
    made = json.loads(done.stdout)

    assert set(made) == {
        "shop", "webhook_url", "secret", "badge_html", "badge_html_pinned", "csp",
        "card_html",
    }  # fmt: skip
    assert made["shop"] == "cafe-noir"
    url = made["webhook_url"].removeprefix(installation.base_url)
    assert url.startswith(f"/webhooks/{platform}/")
    body = json.dumps(sample(platform)).encode()
    headers = signed_request(platform, made["secret"], body)
    assert client.post(url, data=body, headers=headers).status_code == 202


def test_the_empty_badge_is_there_before_the_command_returns(client, installation):
    add_shop()

    for kind in ("json", "svg"):
        assert (installation.data / "public" / "badge" / "v1" / f"cafe-noir.{kind}").is_file()
        assert client.get(f"/badge/v1/cafe-noir.{kind}").status_code == 200


def test_the_snippet_works_without_its_script_and_holds_no_markup_of_the_name(installation):
    html = json.loads(add_shop(name='"><script>alert(1)</script>').stdout)["badge_html"]

    assert "<script>" not in html
    assert html.startswith('<review-badge shop="script-alert-1-script"><svg width="220" ')
    assert 'width="220" height="72"' in html
    assert html.endswith(f'<script src="{installation.base_url}/embed/v1.js" defer></script>')


def test_a_given_secret_is_taken(installation):
    assert json.loads(add_shop("shopify", "--secret", "shpss_0123456789").stdout)["secret"] == (
        "shpss_0123456789"
    )


@pytest.mark.parametrize("secret", ["", "   ", "fifteen-letters"])
def test_a_short_secret_is_refused(installation, secret):
    done = add_shop("shopify", "--secret", secret)

    assert done.exit_code != 0
    assert "Traceback" not in done.output


def test_add_prints_what_to_do_on_the_platform(installation):
    done = run_shop("add", "--name", "Shop", "--domain", "s.example", "--platform", "shopify")

    assert done.exit_code == 0
    assert "Settings, Notifications, Webhooks" in done.output
    assert "shown only now" in done.output


def test_the_list_shows_no_secret(installation):
    made = json.loads(add_shop().stdout)

    for words in (["list"], ["list", "--json"]):
        output = run_shop(*words).output
        assert "cafe-noir" in output
        assert made["secret"] not in output
    assert run_shop("list", "--json").output.count("webhook_url") == 1


def test_an_empty_list_says_how_to_begin(installation):
    assert "shop add" in run_shop("list").output


def test_settings_are_given_and_changed(installation, tmp_path):
    wording = tmp_path / "wording.txt"
    wording.write_text("Wij vragen u na uw bestelling om een beoordeling.\n")
    more = ["--delay-days", "3", "--may-ask", "customers", "--wording", str(wording)]
    add_shop("standard", *more, "--language", "nl", "--moment", "delivered")

    assert "asks customers  3 days after delivered" in run_shop("list").output
    done = run_shop(
        "set", "cafe-noir", "--delay", "2", "--delay-unit", "hours", "--may-ask", "consent"
    )
    assert (
        done.output
        == "cafe-noir: asks consent, 2 hours after delivered, in nl, Europe/Amsterdam.\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ["set", "cafe-noir"],
        ["set", "nobody", "--language", "nl"],
        ["set", "cafe-noir", "--delay-days", "2", "--delay", "3"],
        ["set", "cafe-noir", "--delay-days", "-2"],
        ["set", "cafe-noir", "--zone", "Nowhere"],
        ["rotate", "nobody"],
        ["rotate", "cafe-noir", "--secret", "short"],
        ["rotate", "cafe-noir", "--secret", ""],
    ],
)
def test_invalid_settings_are_refused_in_a_sentence(installation, words):
    add_shop()

    done = run_shop(*words)

    assert done.exit_code in {1, 2}
    assert "Error: " in done.output
    assert "Traceback" not in done.output


def test_a_secret_is_rotated_once_a_day_or_ended_at_once(installation):
    old = json.loads(add_shop().stdout)["secret"]

    first = json.loads(run_shop("rotate", "cafe-noir", "--json").stdout)["secret"]
    assert first != old
    refused = run_shop("rotate", "cafe-noir")
    assert (refused.exit_code, "--now" in refused.output) == (1, True)
    assert "ended" in run_shop("rotate", "cafe-noir", "--now").output


@pytest.mark.parametrize(
    ("words", "words_of_it"), [([], "Shall we ask"), (["--language", "de"], "Dürfen")]
)
def test_the_card_for_the_page_after_an_order_is_printed(installation, words, words_of_it):
    made = json.loads(add_shop("standard", "--language", "en").stdout)

    printed = run_shop("card", "cafe-noir", *words).stdout

    assert words_of_it in printed
    assert f"{installation.base_url}/embed/card.js" in printed
    assert words or printed.strip() == made["card_html"]


def listed():
    (row,) = json.loads(run_shop("list", "--json").stdout)
    return row["reply_to"]


def test_the_address_for_answers_is_set_shown_and_removed(installation):
    assert add_shop("standard", "--reply-to", "Service@Cafe.Example").exit_code == 0
    assert listed() == "Service@cafe.example"
    assert "answers to Service@cafe.example" in run_shop("list").stdout

    changed = run_shop("set", "cafe-noir", "--reply-to", "hallo@cafe.example")
    assert "Answers of buyers go to hallo@cafe.example." in changed.stdout
    assert listed() == "hallo@cafe.example"
    run_shop("set", "cafe-noir", "--delay-days", "3")
    assert listed() == "hallo@cafe.example"

    assert run_shop("set", "cafe-noir", "--reply-to", "").exit_code == 0
    assert listed() == ""
    assert "answers to nobody" in run_shop("list").stdout


def test_an_address_for_answers_that_is_none_is_refused_and_not_repeated(installation):
    add_shop("standard", "--reply-to", "hallo@cafe.example")

    done = run_shop("set", "cafe-noir", "--reply-to", "secret-word\r\nBcc: x@y.example")

    assert done.exit_code != 0
    assert "service@shop.example.com" in done.output
    assert "secret-word" not in done.output
    assert listed() == "hallo@cafe.example"
