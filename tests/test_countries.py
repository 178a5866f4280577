import pytest

from trustsvc import countries


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
