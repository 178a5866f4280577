"""What our e-mails use, asked of caniemail's data: do classic Outlook and Gmail know it?

tests/mail/caniemail.json is its extract; tools/caniemail.py writes it again.
"""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.mail import sample_emails
from trustsvc import config, i18n
from trustsvc.crypto import keyring

FEATURES = json.loads(Path(__file__).with_name("caniemail.json").read_text())["features"]

# As old as HTML and CSS: caniemail has no page on them.
EVERYWHERE = {
    *("<html>", "<head>", "<meta>", "<title>", "<a>"),
    *("[bgcolor]", "[class]", "[style]", "[href]", "[charset]", "[name]", "[content]"),
    "color",
}
PAGES = {
    **dict.fromkeys(("<table>", "<tr>", "<td>"), "html-table"),
    "<h1>": "html-h1-h6",
    **dict.fromkeys(("border-top", "border-color"), "css-border"),
    "font-family": "css-font",
    "-apple-system": "css-sytem-ui",  # spelled like that
    "%": "css-unit-percent",
}
# What a program does not know, or not quite, and why the e-mail is right without it.
ACCEPTED = {
    "outlook": {
        "css-at-media": "no dark colours of ours: Outlook turns colours round itself",
        "css-at-media-prefers-color-scheme": "as above",
        "html-meta-color-scheme": "as above",
        "css-background": "in dark colours only; else background-color or bgcolor",
        "css-important": "with a space before it in Outlook's own <style>",
        "css-border": "1 pixel, on a cell",
        "css-border-radius": "corners are square",
        "css-display": "only the words of a button are a link",
        "css-font-size": "in pixels",
        "css-font-weight": "600 is bold",
        "css-line-height": "of a link it is set in Outlook's own <style>",
        "css-margin": "of paragraphs, not negative",
        "css-max-width": "a table of 560 pixels stands around the column",
        "css-padding": "on cells only",
        "css-sytem-ui": "its own <style> names Segoe UI",
        "css-text-decoration": "one value",
        "html-doctype": "changes nothing there",
        "html-style": "comes before what it is for",
        "html-width": "no images",
    },
    "gmail": {
        "css-at-media": "no dark colours of ours: Gmail turns colours round itself",
        "css-at-media-prefers-color-scheme": "as above",
        "html-meta-color-scheme": "as above",
        "css-important": "in lower case, in dark colours only",
        "css-display": "block is known",
        "css-margin": "not negative",
        "css-sytem-ui": "the next font is taken",
        "css-text-decoration": "none is known where it matters",
        "css-word-break": "too long words break all the same",
        "html-body": "becomes a <div> with the same colour",
        "html-style": "holds nothing but round corners and dark colours",
        "css-selector-class": "as above",
        "css-selector-descendant": "as above",
        "css-selector-grouping": "as above",
        "css-selector-type": "as above",
    },
}


class Uses(HTMLParser):
    """Collects elements, attributes and CSS; `word` is what only Outlook reads."""

    def __init__(self, html: str, *, word: bool = False) -> None:
        super().__init__()
        self.word = word
        self.found: set[str] = set()
        self.by_element: list[tuple[str, dict[str, str]]] = []
        self.in_style = False
        self.sheets: list[str] = []
        self.feed(html)
        self.close()

    def handle_decl(self, decl: str) -> None:
        self.found.add("html-doctype")

    def handle_starttag(self, tag: str, attrs) -> None:
        values = {name: value or "" for name, value in attrs}
        self.in_style = tag == "style"
        self.found |= {f"<{tag}>", *(f"[{name}]" for name in values)}
        if values.get("name") in {"color-scheme", "supported-color-schemes"}:
            self.found.add("html-meta-color-scheme")
        css = values.get("style", "")
        self.found |= set(declared(css))
        self.by_element.append((tag, dict(properties(css))))

    def handle_endtag(self, tag: str) -> None:
        self.in_style = False

    def handle_data(self, data: str) -> None:
        if self.in_style:
            self.sheets.append(data)
            self.found |= set(sheet(data))

    def handle_comment(self, data: str) -> None:
        conditional = re.fullmatch(r"\[if mso\]>(.*)<!\[endif\]", data, re.DOTALL)
        assert conditional, "a comment is for Outlook, or it is not sent"
        if self.word:
            inner = Uses(conditional[1])
            self.found |= inner.found | {"html-comments"}
            self.sheets += inner.sheets


def properties(css: str) -> Iterator[tuple[str, str]]:
    for one in filter(None, map(str.strip, css.split(";"))):
        name, _, value = one.partition(":")
        yield name.strip(), value.strip()


def declared(css: str) -> Iterator[str]:
    for name, value in properties(css):
        yield name
        yield from (f"{function}()" for function in re.findall(r"([a-z-]+)\(", value))
        yield from (unit for unit in re.findall(r"(?<![#\w])-?[\d.]+([a-z%]+)", value))
        if "-apple-system" in value:
            yield "-apple-system"
        if "!important" in value:
            yield "css-important"


def sheet(css: str) -> Iterator[str]:
    for at, condition in re.findall(r"@([a-z-]+)([^{;]*)", css):
        yield f"css-at-{at}"
        for feature in re.findall(r"\(([a-z-]+)", condition):
            yield f"css-at-{at}-{feature}"
    for selector, body in re.findall(r"([^{}@;]+)\{([^{}]*)\}", re.sub(r"@[^{]*\{", "", css)):
        yield from declared(body)
        yield from selectors(selector.strip())


def selectors(text: str) -> Iterator[str]:
    signs = {
        ",": "grouping",
        ".": "class",
        ">": "child",
        "#": "id",
        "[": "attribute",
        "*": "universal",
    }
    signs |= {"+": "adjacent-sibling", "~": "general-sibling"}
    yield from (f"css-selector-{name}" for sign, name in signs.items() if sign in text)
    if re.search(r"\w \.?\w", text):
        yield "css-selector-descendant"
    if re.search(r"(?:^|[ ,>+~])[a-z]", text):
        yield "css-selector-type"
    yield from (f"css-pseudo-class-{name}" for name in re.findall(r"(?<!:):([a-z-]+)", text))


def page(use: str) -> str:
    """Name caniemail's page on a use, or say that it has none."""
    plain = use.strip("<>[]()")
    markup = [f"html-{plain}"]
    names = markup if use[0] in "<[" else [use, f"css-{plain}", f"css-unit-{plain}"]
    names.insert(0, PAGES.get(use, ""))
    return next((name for name in names if name in FEATURES), f"no page on {use}")


def questionable(html: str, program: str) -> set[str]:
    """Give the pages on what a program does not know, or only partly."""
    uses = Uses(html, word=program == "outlook").found - EVERYWHERE
    uses = {use for use in uses if not use.startswith("mso-")}
    return {one for one in map(page, uses) if FEATURES.get(one, {}).get(program) != "y"}


@pytest.fixture(scope="module")
def emails(tmp_path_factory):
    data = {"TRUSTSVC_DATA": str(tmp_path_factory.mktemp("mail"))}
    config.use(config.load(data | sample_emails.SETTINGS))
    keyring.make_all()
    yield sample_emails.every_email()
    config.use(None)


@pytest.mark.parametrize("program", ACCEPTED)
def test_all_that_is_used_is_known_or_named_as_something_to_do_without(emails, program):
    asked = set().union(*(questionable(one.html, program) for one in emails.values()))

    assert sorted(asked ^ set(ACCEPTED[program])) == []  # nothing is accepted that is not used


@pytest.mark.parametrize(
    ("html", "program", "found"),
    [
        ('<p style="display:flex;gap:1rem">', "gmail", {"css-gap", "css-display"}),
        ('<p style="background:linear-gradient(red,blue)">', "outlook", {"css-linear-gradient"}),
        ("<svg></svg>", "gmail", {"html-svg"}),
        ("<video></video>", "outlook", {"html-video"}),
        ("<blink></blink>", "gmail", {"no page on <blink>"}),
        ('<p style="shape:round">', "gmail", {"no page on shape"}),
        ("<style>p:hover>a[title]{color:red}</style>", "outlook", {"css-selector-attribute"}),
        ('<p style="width:calc(1vw)">', "outlook", {"css-unit-vw", "css-unit-calc"}),
    ],
)
def test_what_a_program_does_not_know_is_found(html, program, found):
    assert found <= questionable(html, program)


def test_only_cells_have_padding_or_a_border_and_nothing_is_laid_out_with_boxes(emails):
    for name, one in emails.items():
        seen = Uses(one.html)
        assert "<div>" not in seen.found, name
        padded = {tag for tag, css in seen.by_element if any("padding" in key for key in css)}
        assert padded == {"td"}, name
        assert {tag for tag, css in seen.by_element if any("border" in k for k in css)} <= {"td"}
        margins = [css["margin"] for _, css in seen.by_element if "margin" in css]
        assert not re.search(r"-\d|auto", " ".join(margins)), name
        inside = re.search(
            r"<!--\[if mso\]><table[^>]* width=\"560\".*max-width:560px", one.html, re.DOTALL
        )
        assert inside, name


def test_tables_of_layout_say_so_and_have_no_gaps_of_their_own(emails):
    for one in emails.values():
        tables = re.findall(r"<table[^>]*>", one.html)
        assert tables
        assert all('role="presentation"' in table for table in tables)
        assert all("cellspacing=" in table for table in tables if 'width="560"' not in table)


# Bytes of the HTML and of the message at commit e8f017b, which laid it out with <div>.
BEFORE = {
    ("invitation", "nl"): (5425, 8696),
    ("invitation", "de"): (5486, 8863),
    ("invitation", "en"): (5386, 8602),
    ("invitation", "fr"): (5556, 9269),
    ("reminder", "nl"): (5467, 8822),
    ("reminder", "de"): (5545, 8999),
    ("reminder", "en"): (5412, 8670),
    ("reminder", "fr"): (5611, 9436),
}


@pytest.mark.parametrize(("kind", "language"), BEFORE)
def test_tables_cost_no_bytes(emails, kind, language):
    html, whole = BEFORE[kind, language]

    one = sample_emails.invitation(language, kind)

    assert len(one.html.encode()) < html
    assert len(sample_emails.to_bytes(one)) < whole


def test_each_language_of_the_words_is_asked_about(emails):
    assert {name.rpartition(" ")[2] for name in emails} == set(i18n.LANGUAGES)
