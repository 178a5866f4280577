import json

import pytest

from tests.badge.render.sample_badge import FACE, NO_FACE
from trustsvc.badge.render import json_forms

# https://shields.io/badges/endpoint-badge: these are required, and no other field is used.
FIELDS = {"schemaVersion", "label", "message", "color"}


@pytest.mark.parametrize(
    ("face", "label", "message"),
    [(FACE, "1.234 beoordelingen", "4,6 ★"), (NO_FACE, "Nog geen beoordelingen", "-")],
)
def test_shields_are_given_the_finished_words(face, label, message):
    parsed = json.loads(json_forms.as_shields(face))

    assert set(parsed) == FIELDS
    assert (parsed["schemaVersion"], parsed["label"], parsed["message"]) == (1, label, message)
    assert len(parsed["color"]) == 6
