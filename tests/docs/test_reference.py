"""tools/docs/reference.py refuses to write a page that leaves a question open."""

from enum import StrEnum

import pytest

from tools.docs import reference


class Lamp(StrEnum):
    ON = "on"  # gives light
    OFF = "off"  # gives none


class Bare(StrEnum):
    ON = "on"  # gives light
    OFF = "off"


def test_a_table_with_an_empty_cell_is_refused():
    assert reference.table(["path", "purpose"], [["/a", "Show it."]]).endswith(
        "| /a | Show it. |\n"
    )

    with pytest.raises(SystemExit):
        reference.table(["path", "purpose"], [["/a", "Show it."], ["/b", " "]])


def test_a_state_means_what_the_comment_beside_it_says():
    assert reference.meanings(Lamp) == [("on", "gives light"), ("off", "gives none")]

    with pytest.raises(SystemExit):
        reference.meanings(Bare)


def test_a_log_event_without_a_meaning_is_refused():
    assert "`mail.server_unreachable`" in reference.log_events()

    with pytest.raises(SystemExit, match=r"lamp\.broke"):
        reference.explanations("log_events.toml", ["lamp.broke"])
