"""The badge as JSON."""

import json

from trustsvc.badge.render import svg
from trustsvc.badge.render.content import BadgeContent


def as_json(face: BadgeContent) -> bytes:
    """Write what the script on a shop's page needs: finished words, so that it holds no tables.

    No address: the page is `/s/<shop>` and the notice `/privacy/<shop>#object` beside this file, so
    the script makes them, and none of an answer's could lead elsewhere.
    """
    said = {
        "score": face.score,
        "count": face.count,
        "label": face.label,
        "privacy": face.privacy,
        "stars": round(face.mean, 2),
        "filled": svg.filled_share(face.mean),
        "reviews": face.reviews,
        "seal": face.sealed,
    } | ({"proof": face.proof} if face.proof else {})
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
