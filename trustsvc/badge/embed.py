"""What a shop pastes into its pages, each kind finished: for the command line and the desk."""

from collections.abc import Mapping

from trustsvc import config, wording
from trustsvc.badge import scripts
from trustsvc.badge.render import snippets
from trustsvc.shops import find

# From the least to the most; desk.badge.<kind> says of each what it is.
KINDS = ("image", "script", "pinned", "list", "fragment", "policy")


def of(shop: find.Shop) -> Mapping[str, str]:
    """Write all there is for a shop, in its language."""
    base, slug, language = config.current().base_url, shop.slug, wording.choose(shop.language)
    words = wording.say("badge.alt", language, shop=shop.name)
    newest = scripts.newest()
    release = snippets.Release(
        newest, scripts.integrity(scripts.all_of_them()[f"embed/{newest}/badge.js"])
    )
    written = {
        "image": snippets.image(slug, base, words, wording.say("badge.list.notice", language)),
        "script": snippets.snippet(slug, base, words),
        "pinned": snippets.pinned(slug, base, words, release),
        "list": snippets.listing(slug, base, words),
        "fragment": f"{base}/badge/v1/{slug}.html",
        "policy": snippets.policy(base),
    }
    return {kind: written[kind] for kind in KINDS}
