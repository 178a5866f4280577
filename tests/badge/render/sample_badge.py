"""A badge and reviews to render, plain and hostile."""

from dataclasses import replace
from datetime import UTC, datetime

from trustsvc.badge.render.content import BadgeContent, ReviewContent, ReviewListContent

HOSTILE = "</template></title></svg><script>alert(1)</script>\"'&]]><!--"
FACE = BadgeContent(
    "4,6", "1.234 beoordelingen", "4,6 van 5 sterren, 1.234 beoordelingen",
    "https://reviews.example/s/acme", 4.6, 1234, sealed=True,
)  # fmt: skip
NO_FACE = BadgeContent(
    "", "Nog geen beoordelingen", "Nog geen beoordelingen", "https://reviews.example/s/acme",
    0.0, 0, sealed=False,
)  # fmt: skip
LINE = ReviewContent(
    public_id="6f6e65", stars=5, label="5 van 5 sterren", title="Heel fijn",
    text="De fiets kwam heel aan.\n\nGraag nog eens.", by="Sanne V., Utrecht", date="2026-11-02",
    day="2 november 2026", verified_label="Geverifieerde aankoop", language="nl",
    published_at=datetime(2026, 11, 2, 23, 30, 1, 5000, tzinfo=UTC),
)  # fmt: skip
SINCE = datetime(2026, 10, 1, 8, 0, tzinfo=UTC)
HOSTILE_LINE = replace(LINE, title=HOSTILE, text=f"{HOSTILE}\x0b\x00\ufffe", by=HOSTILE)


def newest(*lines, face=FACE, **more):
    plain = {
        "slug": "acme",
        "language": "nl",
        "title": "Beoordelingen van Acme",
        "order": "Nieuwste eerst",
        "all": "Alle beoordelingen lezen",
        "notice": "Privacy en bezwaar",
        "privacy": "https://reviews.example/privacy/acme#object",
        "feed": "https://reviews.example/badge/v1/acme/feed.atom",
        "tag": "tag:reviews.example,2026:",
        "since": SINCE,
    }
    return ReviewListContent(badge=face, lines=lines, **plain | more)
