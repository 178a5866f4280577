import pytest

from trustsvc import i18n
from trustsvc.server_log import attack_patterns


@pytest.mark.parametrize(
    ("access", "status", "what"),
    [
        ("signature", 401, "bad_signature"),
        ("signature", 409, "replayed_id"),
        ("signature", 413, "too_large"),
        ("signature", 202, ""),
        ("signature", 400, ""),
        ("sign_in", 404, "refused_sign_in"),
        ("sign_in", 410, "refused_sign_in"),
        ("sign_in", 303, ""),
        ("link", 404, "bad_link"),
        ("link", 410, ""),  # an old link of somebody who was invited
        ("public", 404, ""),
        ("public", 429, "too_many"),
        ("public", 200, ""),
    ],
)
def test_what_an_answer_looks_like_goes_by_endpoint_and_status(access, status, what):
    assert attack_patterns.classify(access, status) == what


def test_signed_orders_are_no_flood_and_all_else_counts():
    assert not attack_patterns.counts_to_flood("signature", "202 ACCEPTED")
    assert attack_patterns.counts_to_flood("signature", "401 UNAUTHORIZED")
    assert attack_patterns.counts_to_flood("public", "200 OK")
    assert attack_patterns.counts_to_flood("", "")


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("-", "-"),
    ],
)
def test_an_ipv6_address_is_cut_to_what_one_household_chooses_from(address, counted):
    assert attack_patterns.counted_address(address) == counted


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_kind_has_its_words(language):
    assert all(i18n.translate(f"desk.suspicion.{kind}", language) for kind in attack_patterns.KINDS)
