"""Our e-mails as a browser draws them: narrow and wide, light and dark, and without any <style>."""

import re

import pytest

from tests.mail import sample_emails
from trustsvc import config
from trustsvc.crypto import keyring

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MEASURE = """() => {
  const box = (one) => one.getBoundingClientRect()
  const colour = (one) => getComputedStyle(one).color
  const behind = (one) => {
    for (; one; one = one.parentElement) {
      const found = getComputedStyle(one).backgroundColor
      if (found !== 'rgba(0, 0, 0, 0)') return found
    }
    return 'rgb(255, 255, 255)'
  }
  return {
    wide: document.documentElement.scrollWidth,
    column: box(document.querySelector('.card')).width,
    rows: [...document.querySelectorAll('.rows a')].map((one) => [box(one).width, box(one).height]),
    texts: [...document.querySelectorAll('p, h1, a, .rows span')].map((one) => [
      one.textContent.trim().slice(0, 20), colour(one), behind(one)]),
  }
}"""


@pytest.fixture(scope="module")
def emails(tmp_path_factory):
    data = {"TRUSTSVC_DATA": str(tmp_path_factory.mktemp("mail"))}
    config.use(config.load(data | sample_emails.SETTINGS))
    keyring.make_all()
    yield sample_emails.every_email()
    config.use(None)


def contrast(one: str, other: str) -> float:
    """Give the contrast of two colours by WCAG 2, from 1 to 21."""
    bright, dark = sorted(map(luminance, (one, other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(number) / 255 for number in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 600, 800])
def test_every_email_fits_reads_well_and_can_be_touched(emails, browse, screenshots, width, scheme):
    page = browse(viewport={"width": width, "height": 900}, color_scheme=scheme)
    for name, one in emails.items():
        page.set_content(one.html)
        seen = page.evaluate(MEASURE)

        assert seen["wide"] <= width, name
        assert seen["column"] == min(560, width - 24), name
        assert len(seen["rows"]) >= (6 if "reminder" in name or "invitation" in name else 0)
        assert all(wide >= 44 and high >= 44 for wide, high in seen["rows"]), name
        poor = [text for text in seen["texts"] if contrast(text[1], text[2]) < 4.5]
        assert poor == [], name
        if name in {"invitation customers nl", "register fr"}:
            file = f"email-{name.replace(' ', '-')}-{width}-{scheme}.png"
            page.screenshot(path=screenshots / file, full_page=True)


def test_a_shop_with_a_name_of_one_long_word_does_not_widen_it(emails, browse):
    page = browse(viewport={"width": 320, "height": 900})
    page.set_content(sample_emails.invitation("de", name="Donaudampfschiff" * 7).html)

    assert page.evaluate(MEASURE)["wide"] <= 320


def test_without_any_style_element_it_still_reads_well(emails, browse):
    page = browse(viewport={"width": 320, "height": 900})
    for name, one in emails.items():
        page.set_content(re.sub(r"<style>.*?</style>", "", one.html, flags=re.DOTALL))
        seen = page.evaluate(MEASURE)

        assert seen["wide"] <= 320, name
        assert all(high >= 44 for _, high in seen["rows"]), name
        assert [x for x in seen["texts"] if contrast(x[1], x[2]) < 4.5] == [], name
