"""The badge as JSON."""

import json

from trustsvc.badge.render import svg
from trustsvc.badge.render.face import Face


def as_json(face: Face) -> bytes:
    """Write what the script on a shop's page needs: finished words, so that it holds no tables."""
    said = {
        "score": face.score,
        "count": face.count,
        "label": face.label,
        "url": face.url,
        "notice": face.notice,
        "privacy": face.privacy,
        "stars": round(face.mean, 2),
        "filled": svg.share(face.mean),
        "reviews": face.reviews,
        "seal": face.sealed,
    } | ({"proof": face.proof} if face.proof else {})
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
