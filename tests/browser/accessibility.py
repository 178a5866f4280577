"""What axe finds on a page, and whether the page fits its window."""

from axe_playwright_python.sync_playwright import Axe

# What a colour scheme, forced colours or a direction of writing can change.
OF_APPEARANCE = [
    "color-contrast",
    "target-size",
    "scrollable-region-focusable",
    "link-in-text-block",
]
# Each scheme and each width once, with every rule: a narrow page hides and shows other elements.
MODES = [("light", 800), ("dark", 320)]


def problems(page, rules=None, without=()):
    """Give (rule, places) for each broken rule; `rules` limits which are looked at."""
    options = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = rules
    # axe is put in through the debugger, which the page's policy does not concern.
    found = Axe().run(page, options=options).response["violations"]
    return [
        (one["id"], [node["html"][:90] for node in one["nodes"][:3]])
        for one in found
        if one["id"] not in without
    ]


def wider(page):
    """Give by how many pixels a page scrolls sideways, as a list of problems."""
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [("scrolls sideways", wide)] if wide > 0 else []


def of_urls(browse, urls, sign_in=None):
    """Open each address in each mode; gives every problem with its name, scheme and width."""
    result = []
    for scheme, width in MODES:
        page = browse(color_scheme=scheme, viewport={"width": width, "height": 800})
        if sign_in:
            sign_in(page)
        for name, url in urls.items():
            page.goto(url)
            here = [*problems(page), *wider(page)]
            result += [(name, scheme, width, one) for one in here]
    return result
