import pytest

from trustsvc.orders import skip


@pytest.mark.parametrize(
    ("chosen", "traits", "reason"),
    [
        ("", {"pos"}, None),
        ("pos,draft", {"pos"}, "pos"),
        ("pos,draft", {"gift-card"}, None),
        ("tag:vip", {"tag:vip"}, "tag"),
        ("tag:vip", {"tag:vips"}, None),
        ("", {"renewal"}, "renewal"),
        ("", set(), None),
    ],
)
def test_the_reason_is_what_the_shop_chose_and_names_no_tag(chosen, traits, reason):
    assert skip.reason(chosen, traits) == reason
