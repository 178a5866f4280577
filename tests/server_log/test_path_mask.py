import re

import pytest

from trustsvc.server_log.path_mask import MASK, MAX_LENGTH, mask_path

TOKEN = "c2l4dGVlbiBieXRlcyEhIQ.Xk3v9Qq1PZr8t0mB5nL2cW7yU4sE6aH1gJ9dF3kR8oM"


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        (f"/r/{TOKEN}", "/r/…"),
        (f"/u/{TOKEN}", "/u/…"),
        (f"/register/confirm/{TOKEN}", "/register/confirm/…"),
        ("/register/leave/short", "/register/leave/…"),
        ("/register/blue-lamp", "/register/blue-lamp"),
        (f"/r/{TOKEN}/register", "/r/…/register"),
        (f"/me/{TOKEN}", "/me/…"),
        (f"/desk/enter/{TOKEN}", "/desk/enter/…"),
        (f"/r/{TOKEN}/withdraw", "/r/…/withdraw"),
        (f"/r/{TOKEN}/", "/r/…"),
        ("/webhooks/shopify/Qm9vci1vZi1hLXNob3AtMjQ0", "/webhooks/shopify/…"),
        ("/webhooks/Qm9vci1vZi1hLXNob3AtMjQ0", "/webhooks/…"),
        ("/webhooks/Qm9vci1vZi1hLXNob3AtMjQ0/Qm9vci1vZi1hLXNob3AtMjQ0", "/webhooks/…/…"),
        ("/mail-events/postmark/Qm9vci1vZi1hLXNob3AtMjQ0", "/mail-events/postmark/…"),
        ("/mail-events/Qm9vci1vZi1hLXNob3AtMjQ0", "/mail-events/…"),
        ("/", "/"),
        ("", "/"),
        ("/me", "/me"),
        ("/s/me/write", "/s/me/write"),
        ("/s/r", "/s/r"),
        ("/badge/v1/u.json", "/badge/v1/u.json"),
        ("/privacy/r/x", "/privacy/r/x"),
        ("/desk/reviews/k3v9", "/desk/reviews/k3v9"),
        ("/webhooks/shopify", "/webhooks/shopify"),
    ],
)
def test_what_opens_something_is_masked_and_the_rest_is_kept(path, kept):
    assert mask_path(path) == kept


@pytest.mark.parametrize(
    "path",
    [
        f"//r//{TOKEN}",
        f"/./r/./{TOKEN}",
        f"/R/{TOKEN}",
        f"/r%2F{TOKEN}",
        f"/r%252f{TOKEN}",
        f"/%72/{TOKEN}",
        f"\\r\\{TOKEN}",
        f"/ r /{TOKEN}",
        f"/x/../r/{TOKEN}",
        f"/reviews/r/{TOKEN}",
        f"/{TOKEN}",
        f"/s/shop/{TOKEN}",
        f"/r/{TOKEN}=",
        f"/r/{TOKEN}/{TOKEN}",
        f"/r/x/{TOKEN}",
        f"/webhooks/shopify/{TOKEN}/{TOKEN}",
        f"/static/{TOKEN}.css",
        f"http://other.example/r/{TOKEN}",
    ],
)
def test_an_odd_spelling_does_not_get_a_token_into_the_log(path):
    inner, _, signature = TOKEN.partition(".")

    assert inner not in mask_path(path)
    assert signature not in mask_path(path)


@pytest.mark.parametrize(
    "hostile",
    [
        "/a\r\n2026-11-21T10:00:00.000Z 1.2.3.4 GET /desk/ 200 1 -",
        "/a%0d%0ab",
        "/a%250ab",
        '/"quoted" and spaced',
        "/\u2028\u202e<script>",
        "/\x00\x1b[31m",
        "/…/\u202e",
        "/\udcff\udc80",
        "/ÿþ",
    ],
)
def test_a_path_never_breaks_out_of_its_field(hostile):
    kept = mask_path(hostile)

    assert re.fullmatch(r"[!#-~]+", kept.replace(MASK, ""))
    assert MASK not in kept


def test_a_very_long_path_is_cut():
    kept = mask_path("/" + "ab/" * 100_000)

    assert len(kept) == MAX_LENGTH
    assert kept.endswith(MASK)
