import pytest

from trustsvc.mail.message_skeleton import skeleton, slot


def test_what_is_filled_in_stands_in_each_slot_and_is_escaped_in_the_html():
    made = skeleton(
        f"For {slot('buyer')}", f"{slot('buyer')}: {slot('link')}", f"<p>{slot('buyer')}</p>"
    )

    assert made.filled({"buyer": "<b>&", "link": "https://x.example/?a=1&b"}) == (
        "For <b>&",
        "<b>&: https://x.example/?a=1&b",
        "<p>&lt;b&gt;&amp;</p>",
    )


def test_a_message_without_slots_is_as_it_was_rendered():
    assert skeleton("a", "", "<p>").filled({}) == ("a", "", "<p>")


def test_a_value_that_looks_like_a_slot_is_text():
    made = skeleton(slot("buyer"), slot("link"), slot("buyer"))

    assert made.filled({"buyer": slot("link"), "link": "there"}) == (
        slot("link"),
        "there",
        slot("link"),
    )


def test_a_slot_that_nobody_fills_is_an_error():
    with pytest.raises(KeyError):
        skeleton("", slot("link"), "").filled({"buyer": ""})
