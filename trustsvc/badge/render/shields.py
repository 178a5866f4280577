"""The badge in the words of Shields, whose badges stand in many a README."""

import json

from trustsvc.badge.render.content import BadgeContent

SCORED, EMPTY = "b8791a", "9f9f9f"


def as_shields(face: BadgeContent) -> bytes:
    """Write an answer to Shields' endpoint badge (shields.io/badges/endpoint-badge)."""
    said = {
        "schemaVersion": 1,
        "label": face.count,
        "message": f"{face.score} ★" if face.reviews else "-",
        "color": SCORED if face.reviews else EMPTY,
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
