"""The badge as JSON."""

import json

from trustsvc.badge.render.face import Face


def as_json(face: Face) -> bytes:
    """Write what the script on a shop's page needs: finished words, so that it holds no tables."""
    said = {
        "score": face.score,
        "count": face.count,
        "label": face.label,
        "url": face.url,
        "stars": round(face.mean, 2),
        "reviews": face.reviews,
        "seal": face.sealed,
    } | ({"proof": face.proof} if face.proof else {})
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
