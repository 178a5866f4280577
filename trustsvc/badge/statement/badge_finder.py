"""Find every badge in a page of HTML. Pure; made for pages that do not wish us well.

A badge is an element of ours (`<review-badge shop=…>`, `<review-list>`, the fragment's
`<review-badge-html>`) together with each script of its kind on the page, else with each service
that is loaded from or linked to inside; or anything that is loaded from `/badge/v1/<shop>…`: an
image, a frame. Scripts are not run, so a badge that another script writes is not seen here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import chain
from urllib.parse import urljoin, urlsplit

PRINTED = "review-badge-html"  # what render/fragment.py writes
# Which scripts make an element of ours what it is.
SCRIPTS = {
    "review-badge": re.compile(r"/embed/(?:v1|[0-9A-Za-z.-]{1,64}/badge)\.m?js"),
    "review-list": re.compile(r"/embed/(?:v1-list|[0-9A-Za-z.-]{1,64}/list)\.m?js"),
    PRINTED: None,
}
IMAGE = re.compile(r"/badge/v1/([a-z0-9-]{1,80})(?:[./].*)?")
LINK = re.compile(r"/s/([a-z0-9-]{1,80})")
SLUG = re.compile(r"[a-z0-9-]{1,80}")
LOADS = ("src", "srcset", "data", "data-src", "data-srcset", "poster")
SAYS = ("alt", "title", "aria-label")
MAX_BADGES = 20  # different badges in one page
MAX_WORDS = 4000


@dataclass(frozen=True, slots=True)
class Badge:
    """One badge: from which service (empty where none is named), of which shop, in what words."""

    origin: str
    shop: str
    words: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()  # what stands where the element shows its score
    printed: tuple[str, ...] = ()  # each piece of the fragment with a digit: all of it is ours


@dataclass(slots=True)
class _Element:
    tag: str
    shop: str
    words: list[str] = field(default_factory=list)
    scores: list[str] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    # Of what is loaded for the shop inside, and of the links to its page.
    origins: dict[str, None] = field(default_factory=dict)

    def say(self, words: str, *, is_score: bool = False) -> None:
        if self.tag == PRINTED and any(char.isnumeric() for char in words):
            self.printed.append(words)
        elif len(self.words) < MAX_WORDS:
            (self.scores if is_score else self.words).append(words[:MAX_WORDS])

    def name(self, shop: str, origin: str) -> None:
        """Take a service that is named inside; an element that says no shop is the first one's."""
        self.shop = self.shop or shop
        if self.shop == shop:
            self.origins[origin] = None


class TooManyBadges(ValueError):
    """More different badges than anybody puts on a page."""


def find_badges(html: str, address: str) -> list[Badge]:
    """Find the badges of a page that was loaded from an address; raises TooMany.

    What is not closed when the page ends is left out, as a browser does, and because looking for
    its end from each place anew would take hours for some pages.
    """
    reader = _Reader(address)
    reader.feed(html)
    elements = (one for element in reader.elements for one in _of_element(element, reader))
    found: dict[tuple[str, str], tuple[list[str], list[str], list[str]]] = {}
    for badge in chain(elements, reader.images):
        said = found.setdefault((badge.origin, badge.shop), ([], [], []))
        said[0].extend(badge.words)
        said[1].extend(badge.scores)
        said[2].extend(badge.printed)
        if len(found) > MAX_BADGES:
            raise TooManyBadges
    return [Badge(*key, *map(tuple, said)) for key, said in found.items()]


def shop_of(address: str) -> str:
    """Give the shop whose badge lies at an address; empty when it is none."""
    shop = IMAGE.fullmatch(_path(address))
    return shop[1] if shop else ""


def origin_of(address: str) -> str:
    """Give scheme, host and port in their plain form (RFC 6454); empty for what has none."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return ""
    host = (parts.hostname or "").rstrip(".")
    plain = re.fullmatch(r"[a-z0-9._-]{1,253}|[0-9a-f:.]{2,45}", host)
    if parts.scheme not in {"http", "https"} or not plain:
        return ""
    place = f"[{host}]" if ":" in host else host
    usual = 443 if parts.scheme == "https" else 80
    return f"{parts.scheme}://{place}" + (f":{port}" if port not in {None, usual} else "")


def _of_element(element: _Element, reader: "_Reader") -> Iterable[Badge]:
    """Ask every service whose script is on the page: which of them comes first is up to it.

    Without a script the element is what is inside.
    """
    shop = element.shop if SLUG.fullmatch(element.shop) else ""
    said = (tuple(element.words), tuple(element.scores), tuple(element.printed))
    for origin in reader.scripts[element.tag] or element.origins or {"": None}:
        yield Badge(origin, shop, *said)


def _path(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


class _Reader(HTMLParser):
    def __init__(self, address: str) -> None:
        super().__init__(convert_charrefs=True)
        self.address = address
        self.elements: list[_Element] = []
        self.images: list[Badge] = []
        self.scripts: dict[str, dict[str, None]] = {tag: {} for tag in SCRIPTS}
        self._open: list[_Element] = []  # one may lie in another
        self._score_of = ""
        self._based = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in reversed(attrs)}  # the first one counts
        if tag == "base" and given.get("href") and not self._based:
            self.address, self._based = self._joined(given["href"]), True
        if tag in SCRIPTS:
            if len(self._open) >= MAX_BADGES:
                raise TooManyBadges
            self._open.append(_Element(tag, given.get("shop", "")))
            self.elements.append(self._open[-1])
        words = [given[name][:MAX_WORDS] for name in SAYS if given.get(name)]
        for element in self._open:
            for one in words:
                element.say(one)
        if self._open and "score" in given.get("part", "").split():
            self._score_of = tag
        self._loads(tag, given, words)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Read `<x/>` as a browser does: what follows still lies in it."""
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._score_of:
            self._score_of = ""
        if any(one.tag == tag for one in self._open):
            while self._open.pop().tag != tag:
                pass
            self._score_of = ""

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.say(data, is_score=bool(self._score_of))

    def parse_html_declaration(self, i: int) -> int:
        """Read `<!…>` as a browser does; the parser of the library gives up on some of them."""
        try:
            return super().parse_html_declaration(i)
        except AssertionError:
            end = self.rawdata.find(">", i)
            return end + 1 if end >= 0 else -1

    def _loads(self, tag: str, given: dict[str, str], words: list[str]) -> None:
        for name in LOADS:
            for one in (
                given.get(name, "").split(",") if "srcset" in name else [given.get(name, "")]
            ):
                where = one.split()[0] if one.split() else ""
                if not where:
                    continue
                address = self._joined(where)
                if tag == "script":
                    self._runs(address)
                elif shop := shop_of(address):
                    self.images.append(Badge(origin_of(address), shop, tuple(words)))
                    self._names(shop, address)
        if self._open and tag == "a" and given.get("href"):
            address = self._joined(given["href"])
            if link := LINK.fullmatch(_path(address)):
                self._names(link[1], address)

    def _runs(self, address: str) -> None:
        for tag, script in SCRIPTS.items():
            if script and script.fullmatch(_path(address)):
                self.scripts[tag][origin_of(address)] = None
                if len(self.scripts[tag]) > MAX_BADGES:
                    raise TooManyBadges

    def _names(self, shop: str, address: str) -> None:
        for element in self._open:
            element.name(shop, origin_of(address))
            if len(element.origins) > MAX_BADGES:
                raise TooManyBadges

    def _joined(self, where: str) -> str:
        try:
            return urljoin(self.address, where)
        except ValueError:
            return ""
