"""The card on a shop's page after an order, and where its button leads."""

import re
from urllib.parse import unquote

import pytest

from tests import rate_limits
from tests.browser import accessibility
from tests.browser.conftest import serving
from tests.browser.strict_page import WATCH
from tests.registry.registrations import JAN, path_in, pending, posted
from trustsvc import i18n
from trustsvc.badge import content
from trustsvc.badge.render import snippets

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def _card(origin, shop, language="nl", **attributes):
    html = snippets.card(shop.slug, origin, content.card_words(language))
    said = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return html.replace("<review-card", f"<review-card{said}")


def _thanks(origin, body, policy=None):
    """A shop's thank-you page: the strictest policy, and one line of its for ours."""
    policy = policy or (
        f"default-src 'none'; style-src 'none'; base-uri 'none'; script-src {origin}; "
        f"form-action {origin}; require-trusted-types-for 'script'; trusted-types 'none'"
    )

    def app(environ, start):
        headers = [("Content-Type", "text/html; charset=utf-8")]
        start("200 OK", [*headers, ("Content-Security-Policy", policy)])
        return [f"<!doctype html><html lang=nl><title>Dank u</title>{body}".encode()]

    return app


@pytest.fixture
def look(origin, shop, browse):
    """Open a thank-you page; gives it with all requests and their bodies."""
    rate_limits.reset()
    open_pages = []

    def open_page(body=None, policy=None, **options):
        page = browse(**options)
        asked = []
        page.context.on("request", lambda r: asked.append((r.url, r.post_data or "", r.headers)))
        page.add_init_script(WATCH)
        serves = serving(_thanks(origin, body or _card(origin, shop, email=JAN), policy))
        shop_origin = serves.__enter__()
        open_pages.append(serves)
        page.goto(f"{shop_origin}/thanks?order=1001")
        page.wait_for_load_state("networkidle")
        return page, asked

    yield open_page
    for serves in open_pages:
        serves.__exit__(None, None, None)


def press(page):
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Ja, vraag het me").click()
    ours = opened.value
    ours.wait_for_load_state()
    return ours


def test_before_the_button_is_pressed_nothing_of_the_buyer_goes_anywhere(look, origin):
    page, asked = look()
    page.get_by_role("button", name="Ja, vraag het me").focus()
    page.mouse.move(300, 200)
    page.wait_for_timeout(300)

    ours = [(url, body) for url, body, _ in asked if url.startswith(origin)]
    assert ours == [(f"{origin}/embed/card.js", "")]
    received = [unquote(f"{url} {body} {headers}") for url, body, headers in asked]
    assert not any("jan@mail" in one for one in received)
    assert page.context.cookies() == []
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert page.evaluate("window.seen.violations") == []


def test_pressed_it_opens_our_page_with_the_address_in_it_and_not_in_an_address_bar(look, origin):
    page, asked = look()

    ours = press(page)

    assert "jan@mail" not in unquote(ours.url)
    assert ours.get_by_label("Je e-mailadres").input_value() == JAN
    (posting,) = [one for one in asked if one[1]]
    assert posting[1] == "email=jan%40mail.example&step=look&source=card"
    assert "referer" not in posting[2]
    assert ours.evaluate("[document.referrer, window.opener]") == ["", None]
    assert (
        page.evaluate("document.querySelector('review-card').shadowRoot.innerHTML").count(JAN) == 0
    )
    assert page.evaluate("window.seen.violations") == []
    assert pending() == []


def test_two_presses_and_a_message_register_a_buyer_without_javascript_of_ours(look):
    page, _ = look()
    ours = press(page)

    ours.get_by_role("button", name="Akkoord").click()
    assert ours.get_by_role("heading", level=1).inner_text() == "Kijk even in je mailbox"
    (message,) = posted()
    ours.goto(f"{ours.url.partition('/register')[0]}{path_in(message, 'confirm')}")
    ours.get_by_role("button", name="Ja, meld me aan").click()
    assert ours.get_by_role("heading", level=1).inner_text() == "Je bent aangemeld"
    (welcome,) = posted()
    ours.goto(f"{ours.url.partition('/register')[0]}{path_in(welcome, 'leave')}")
    ours.get_by_role("button", name="Nu afmelden").click()

    assert ours.get_by_role("heading", level=1).inner_text() == "Je bent niet aangemeld"
    assert ours.context.cookies() == []
    assert pending()[0].source == "card"


def test_the_address_may_be_a_property_set_before_or_after_the_script(look, origin, shop):
    policy = f"default-src 'none'; script-src {origin} 'unsafe-inline'"
    setting = "<script>document.querySelector('review-card').email='jan@mail.example'</script>"
    body = _card(origin, shop)
    early = body.replace("<script src", f"{setting}<script src")

    for page in (look(early, policy)[0], look(body, policy)[0]):
        page.evaluate("document.querySelector('review-card').email = 'jan@mail.example'")
        assert press(page).get_by_label("Je e-mailadres").input_value() == JAN


def test_without_an_address_the_page_asks_for_it(look, origin, shop):
    page, _ = look(_card(origin, shop))

    assert press(page).get_by_label("Je e-mailadres").input_value() == ""


def test_the_keyboard_reaches_everything_and_presses_it(look):
    page, _ = look()
    page.keyboard.press("Tab")
    active = "document.querySelector('review-card').shadowRoot.activeElement.textContent"
    assert page.evaluate(active) == "Ja, vraag het me"

    with page.context.expect_page() as opened:
        page.keyboard.press("Enter")

    assert opened.value.get_by_label("Je e-mailadres").input_value() == JAN


@pytest.mark.parametrize("options", [{"java_script_enabled": False}, {}])
def test_without_its_script_words_and_links_stay(look, origin, shop, options):
    body = _card(origin, shop, email=JAN)
    page = look(body if options else body.replace("card.js", "nothing.js"), **options)[0]

    link = page.get_by_role("link", name="Ja, vraag het me")
    assert link.get_attribute("href") == f"{origin}/register/{shop.slug}"
    assert page.get_by_role("link", name="Zo maak je bezwaar").is_visible()


def test_a_card_whose_link_is_no_address_of_the_web_stays_as_it_is(look, origin, shop):
    page, _ = look(_card(origin, shop).replace(f'href="{origin}/register', 'href="javascript:x'))

    assert page.evaluate("document.querySelector('review-card').shadowRoot") is None


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_the_card_says_it_in_every_language_without_an_accessibility_problem(
    look, origin, shop, language, screenshots
):
    found = []
    for number, options in enumerate(
        [
            {"color_scheme": "light"},
            {"color_scheme": "dark", "viewport": {"width": 320, "height": 640}},
            {"forced_colors": "active", "reduced_motion": "reduce"},
        ]
    ):
        page, _ = look(_card(origin, shop, language, theme="auto"), **options)
        page.screenshot(path=screenshots / f"card-{language}-{number}.png")
        # The bare page around the card has no landmarks and no h1.
        page_alone = {"region", "landmark-one-main", "page-has-heading-one"}
        rules = accessibility.OF_APPEARANCE if "forced_colors" in options else None
        found += accessibility.problems(page, rules, page_alone)
        assert page.get_by_role("button").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0

    assert found == []


def test_the_shop_s_own_styles_do_not_break_it(look, origin, shop):
    rude = "<style>*{font-size:40px!important;color:red!important}h2{display:none}</style>"
    policy = f"default-src 'none'; script-src {origin}; style-src 'unsafe-inline'"
    page, _ = look(rude + _card(origin, shop), policy)

    button = page.get_by_role("button")
    assert button.evaluate("b => getComputedStyle(b).color") == "rgb(255, 255, 255)"
    assert page.get_by_role("heading", name=re.compile("Mogen we")).is_visible()


def test_the_pages_of_registration_have_no_accessibility_problem(
    origin, shop, browse, screenshots, look
):
    from tests.registry.registrations import ask
    from trustsvc.app import create_app

    client = create_app().test_client()
    ask(client, shop)
    (message,) = posted()
    confirm = f"{origin}{path_in(message, 'confirm')}"
    ask(client, shop, "piet@mail.example")
    (other,) = posted()
    client.post(path_in(other, "confirm"))
    leave = f"{origin}{path_in(posted()[0], 'leave')}"
    urls = {"register": f"{origin}/register/{shop.slug}", "confirm": confirm, "leave": leave}

    assert accessibility.of_urls(browse, urls) == []
    for name, url in urls.items():
        page = browse()
        page.goto(url)
        page.screenshot(path=screenshots / f"registration-{name}.png")
