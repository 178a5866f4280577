"""The code a shop pastes into its pages, one text a kind: for the command line and staff."""

from collections.abc import Mapping

from trustsvc import config, i18n
from trustsvc.badge import scripts
from trustsvc.badge.render import snippets
from trustsvc.shops import directory

# From the simplest to the richest; desk.badge.<kind> describes each.
KINDS = (
    "image", "email", "script", "pinned", "list", "list_pinned", "fragment", "shields", "feed",
    "policy",
)  # fmt: skip


def for_shop(shop: directory.Shop) -> Mapping[str, str]:
    """Write every kind for a shop, in its language."""
    base, language = config.current().base_url, i18n.negotiate_language(shop.language)
    alt = i18n.translate("badge.alt", language, shop=shop.name)
    privacy = i18n.translate("badge.list.notice", language)
    place = (shop.slug, base, alt, privacy)
    files = f"{base}/badge/v1/{shop.slug}"
    written = {
        "image": snippets.image(*place),
        "email": snippets.image(*place, form="png"),
        "script": snippets.snippet(*place),
        "pinned": snippets.pinned(*place, _release("badge.js")),
        "list": snippets.listing(*place),
        "list_pinned": snippets.listing(*place, _release("list.js")),
        "fragment": f"{files}.html",
        "shields": f"{files}/shields.json",
        "feed": f"{files}/feed.atom",
        "policy": snippets.csp_policy(base),
    }
    return {kind: written[kind] for kind in KINDS}


def _release(name: str) -> snippets.ScriptRelease:
    newest = scripts.newest_release()
    body = scripts.all_scripts()[f"embed/{newest}/{name}"]
    return snippets.ScriptRelease(newest, scripts.integrity(body))
