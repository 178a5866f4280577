from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from trustsvc import countries

COUNTRIES = sorted(countries._known()[0])
WITHOUT_A_WINDOW = {"AQ", "UM"}  # spread over the whole day


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("NL", "NL"),
        ("nl", "NL"),
        (" NL ", "NL"),
        ("NLD", "NL"),
        ("Netherlands", "NL"),
        ("The Netherlands", "NL"),
        ("Nederland", "NL"),
        ("Niederlande", "NL"),
        ("Pays-Bas", "NL"),
        ("BELGIË", "BE"),
        ("Belgie", "BE"),
        ("Deutschland", "DE"),
        ("UK", "GB"),
        ("Great Britain", "GB"),
        ("EL", "GR"),
        ("USA", "US"),
        ("Côte d\u2019Ivoire", "CI"),
        ("Cote d'Ivoire", "CI"),
    ],
)
def test_a_country_is_found_by_code_and_name(written, code):
    found = countries.find(written)

    assert found
    assert found.code == code


@pytest.mark.parametrize("written", ["", " ", "XX", "Atlantis", "\ud800", "N" * 10**6, "12"])
def test_what_is_no_country_is_none(written):
    assert countries.find(written) is None


@pytest.mark.parametrize(
    ("country", "locale", "zone"),
    [
        ("NL", "", "Europe/Amsterdam"),
        ("Nederland", "en-US", "Europe/Amsterdam"),
        ("", "ja-JP", "Asia/Tokyo"),
        ("", "zh-Hant-TW", "Asia/Taipei"),
        ("", "en_GB.UTF-8", "Europe/London"),
        ("XX", "nl_BE", "Europe/Brussels"),
        ("US", "", "America/New_York+Pacific/Honolulu"),
        ("ES", "", "Europe/Madrid+Atlantic/Canary"),
        ("PT", "", "Europe/Lisbon+Atlantic/Azores"),
        ("RU", "", "Europe/Kaliningrad+Asia/Kamchatka"),
        ("FR", "", "Europe/Paris"),
        ("", "nl", ""),
        ("", "", ""),
        ("AQ", "", ""),
    ],
)
def test_the_zone_of_a_country(country, locale, zone):
    assert countries.zone_of(country, locale) == zone


def test_each_country_has_zones_that_exist_and_share_an_hour_of_day_all_year():
    without = set()
    for country in COUNTRIES:
        zone = countries.zone_of(country)
        if not zone:
            without.add(country)
            continue
        zone_infos = [ZoneInfo(name) for name in zone.split("+")]
        for day in range(0, 365, 7):
            noon = datetime(2027, 1, 1, tzinfo=UTC) + timedelta(days=day)
            offsets = [noon.astimezone(zone_info).utcoffset() for zone_info in zone_infos]
            assert max(offsets) - min(offsets) <= timedelta(hours=10), country

    assert without == WITHOUT_A_WINDOW
