from datetime import timedelta

import pytest

from trustsvc import clock
from trustsvc.errors import NotFound, Refused
from trustsvc.i18n import LANGUAGES
from trustsvc.shops import enrol, settings
from trustsvc.storage import db


@pytest.fixture
def shop(installation):
    with db.transaction() as session:
        new = enrol.Enrolment("Shop", "shop.example", "standard")
        return enrol.enrol(session, new, clock.now())[0]


def change(new_settings, now=None, slug="shop"):
    with db.transaction() as session:
        new = settings.SettingsChange(**new_settings)
        return settings.change_settings(session, slug, new, now or clock.now())


def test_what_is_not_named_stays(shop):
    changed = change({"delay": 2, "delay_unit": "weekdays", "reminder_days": 5})

    assert (changed.delay, changed.delay_unit, changed.reminder_days) == (2, "weekdays", 5)
    assert (changed.moment, changed.wording, changed.wording_at) == (
        shop.moment,
        shop.wording,
        shop.wording_at,
    )


def test_another_basis_has_another_wording_and_a_date(shop):
    later = (clock.now() + timedelta(days=1)).replace(microsecond=0)

    changed = change({"may_ask": "customers"}, later)
    assert (changed.wording, changed.wording_at) == (
        settings.default_wording("customers", "en"),
        later,
    )

    again = change({"may_ask": "customers"}, later + timedelta(days=1))
    assert again.wording_at == later


def test_a_default_wording_follows_the_language_and_is_dated_again(shop):
    later = (clock.now() + timedelta(days=1)).replace(microsecond=0)

    changed = change({"language": "nl"}, later)
    assert changed.wording == settings.default_wording("registered", "nl")
    assert changed.wording_at == later

    both = change({"language": "fr", "may_ask": "consent"}, later)
    assert both.wording == settings.default_wording("consent", "fr")


def test_a_wording_of_ones_own_stays_in_another_language(shop):
    own = change({"wording": "Wij mailen u."})

    changed = change({"language": "nl"}, clock.now() + timedelta(days=1))
    assert (changed.wording, changed.wording_at) == ("Wij mailen u.", own.wording_at)


def test_each_basis_has_its_own_wording_in_each_language():
    wordings = {
        settings.default_wording(b, x) for b in settings.CHOICES["may_ask"] for x in LANGUAGES
    }

    assert len(wordings) == 12
    assert settings.default_wording("everybody", "nl") == ""


def test_a_wording_of_ones_own_is_dated_too(shop):
    later = (clock.now() + timedelta(days=1)).replace(microsecond=0)

    assert change({"wording": "Wij mailen u."}, later).wording_at == later


@pytest.mark.parametrize(
    "nonsense",
    [
        {"delay": 400},
        {"delay_unit": "minutes", "delay": -1},
        {"cap_days": 366},
        {"zone": "X"},
        {"reminder_days": -1},
        {"max_age_days": 0},
        {"may_ask": "all"},
        {"name": ""},
        {"domain": "?"},
        {"wording": " "},
        {"language": "pt"},
    ],
)
def test_nonsense_is_refused_and_changes_nothing(shop, nonsense):
    with pytest.raises(Refused):
        change(nonsense)

    assert change({}) == shop


def test_a_unit_is_checked_against_the_delay_there_is(shop):
    change({"delay": 5000, "delay_unit": "minutes"})

    with pytest.raises(Refused, match="delay"):
        change({"delay_unit": "days"})


def test_an_unknown_shop_is_not_found(installation):
    with pytest.raises(NotFound):
        change({}, slug="nobody")


@pytest.mark.parametrize(
    "text",
    [
        "nobody",
        "a@b",
        "a@shop.example\r\nBcc: x@y.example",
        "a@shop.example\nX: y",
        "a@shop.example, b@shop.example",
        "a@shop.example b@shop.example",
        "Shop <a@shop.example>",
        "<a@shop.example>",
        "a@shop.example (comment)",
        '"a b"@shop.example',
        "=?utf-8?q?a?=@shop.example",
        "a\0@shop.example",
        "a\u2028b@shop.example",
        "\u202ea@shop.example",
        "zoë@shop.example",
        f"{'a' * 65}@shop.example",
        f"a@{'b.' * 130}example",
    ],
)
def test_what_could_be_more_than_one_address_in_a_header_is_none_for_answers(shop, text):
    with pytest.raises(Refused):
        change({"reply_to": text})
    with pytest.raises(Refused):
        settings.clean_reply_to(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("service@shop.example", "service@shop.example"),
        (" Service+reviews@SHOP.example\n", "Service+reviews@shop.example"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("", ""),
        ("  ", ""),
    ],
)
def test_an_address_for_answers_is_kept_in_ascii_and_may_be_taken_away(shop, text, kept):
    assert shop.reply_to == ""
    assert change({"reply_to": text}).reply_to == kept
