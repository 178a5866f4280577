"""Sitemap and robots.txt: the public pages, and the personal ones."""

from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from trustsvc.reviews.models import publications
from trustsvc.shops.models import shops

MAX_PAGES = 50_000  # more must not be in one file (sitemaps.org/protocol.html)
# Pages behind personal links, and the staff pages.
PRIVATE = ("/r/", "/u/", "/me/", "/register/confirm/", "/register/leave/", "/desk/")


def sitemap_pages(session: Session, now: datetime) -> list[tuple[str, datetime]]:
    """Slugs of enrolled shops with reviews, each with the time of its newest publication."""
    newest = (
        select(func.max(publications.c.published_at))
        .where(publications.c.shop_id == shops.c.id)
        .scalar_subquery()
    )
    rows = session.execute(
        select(shops.c.slug, newest)
        .where(newest.is_not(None), or_(shops.c.closed_at.is_(None), shops.c.closed_at > now))
        .order_by(shops.c.id)
        .limit(MAX_PAGES)
    )
    return [(row[0], row[1]) for row in rows]


def sitemap_xml(base_url: str, pages: Sequence[tuple[str, datetime]]) -> str:
    """Write a sitemap (sitemaps.org/protocol.html)."""
    url = Markup("<url><loc>{base}/s/{slug}</loc><lastmod>{at}</lastmod></url>\n")
    entries = Markup("").join(
        url.format(base=base_url, slug=slug, at=f"{at:%Y-%m-%dT%H:%M:%SZ}") for slug, at in pages
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{entries}</urlset>\n'
    )


def robots_txt(base_url: str) -> str:
    """Write robots.txt (RFC 9309): everything may be crawled but pages behind personal links."""
    private = "".join(f"Disallow: {path}\n" for path in PRIVATE)
    return f"User-agent: *\nAllow: /s/\n{private}\nSitemap: {base_url}/sitemap.xml\n"
