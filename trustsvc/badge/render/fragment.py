"""The badge as a piece of HTML, which a shop's server prints into its page itself."""

from markupsafe import Markup

from trustsvc.badge.render import svg
from trustsvc.badge.render.review_lines import ReviewListContent


def as_html(newest: ReviewListContent) -> bytes:
    """Write the badge with a declarative shadow root: no script, no style, no further request.

    The root keeps the page's rules and the image's ids apart. A browser that knows none
    (before 2024) shows the link that stands in the element, with the same words. The element names
    its shop, and the links its service: proof/page.py knows the badge by them on any page.
    """
    drawn = Markup(svg.as_svg(newest.face).decode())  # noqa: S704 - escaped where it was written
    html = Markup(
        '<review-badge-html shop="{one.slug}" lang="{one.language}">'
        '<template shadowrootmode="open"><a href="{one.face.url}">{drawn}</a><br><small>'
        '<a href="{one.privacy}">{one.notice}</a></small></template>'
        '<a href="{one.face.url}">{one.face.label}</a> <small>'
        '<a href="{one.privacy}">{one.notice}</a></small></review-badge-html>\n'
    )
    return str(html.format(one=newest, drawn=drawn)).encode()
