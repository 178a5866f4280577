import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tests.badge.render.sample_badge import FACE, HOSTILE, NO_FACE, newest
from trustsvc.badge.render import snippets, svg


class Read(HTMLParser):
    """Keeps each element with what it lies in, and the words outside of the template."""

    VOID = frozenset({"br", "stop", "rect", "path"})

    def __init__(self, html):
        super().__init__()
        self.open, self.found, self.light = [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs), tuple(self.open)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs), tuple(self.open)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "template" not in self.open:
            self.light += data


@pytest.mark.parametrize("face", [FACE, NO_FACE])
def test_the_fragment_is_a_shadow_root_with_the_image_and_links_beside_it(face):
    html = snippets.as_html(newest(face=face)).decode()
    read = Read(html)

    links = [(a["href"], "template" in above) for tag, a, above in read.found if tag == "a"]
    assert read.open == []
    assert links == [
        ("https://reviews.example/s/acme", True),
        ("https://reviews.example/privacy/acme#object", True),
        ("https://reviews.example/s/acme", False),
        ("https://reviews.example/privacy/acme#object", False),
    ]
    assert read.found[1][:2] == ("template", {"shadowrootmode": "open"})
    assert svg.as_svg(face).decode() in html
    assert face.label in read.light


def test_the_fragment_needs_no_script_no_style_and_no_request():
    html = snippets.as_html(newest()).decode()

    elements = {tag for tag, *_ in Read(html).found}
    attributes = {name for _, attrs, _ in Read(html).found for name in attrs}
    assert {"script", "style", "link", "img", "use", "iframe"} & elements == set()
    assert [name for name in attributes if name == "style" or name.startswith("on")] == []
    assert re.findall(r"(?<!xmlns=\")https?://(?!reviews\.example/)", html) == []


def test_hostile_words_stay_words():
    face = replace(FACE, label=HOSTILE, count=HOSTILE, score=HOSTILE)

    html = snippets.as_html(newest(face=face, notice=HOSTILE)).decode()

    assert {tag for tag, *_ in Read(html).found} == {
        tag for tag, *_ in Read(snippets.as_html(newest()).decode()).found
    }
    assert html.count("</template>") == 1
