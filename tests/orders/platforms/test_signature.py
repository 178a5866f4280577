"""Who may write: signatures, by published vectors, borders, and anything hypothesis thinks of."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.orders.webhook_client import SECRETS
from tests.signing import signed_request
from trustsvc.orders.platforms import PLATFORMS, signature, standard

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
BODY = b'{"id": 1}'
PLATFORM = st.sampled_from(sorted(PLATFORMS))

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
VECTOR = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
VECTOR_BODY = b'{"test": 2432232314}'
VECTOR_TIME = datetime.fromtimestamp(1614265330, UTC)


def vector(secret=SECRET, body=VECTOR_BODY, now=VECTOR_TIME, **changes):
    headers = VECTOR | {name.replace("_", "-"): value for name, value in changes.items()}
    return standard.signed(headers, body, secret, now)


def test_the_official_vector_of_standard_webhooks_matches():
    assert vector() is True
    assert vector(secret=SECRET.removeprefix("whsec_")) is True


RIGHT = VECTOR["webhook-signature"]
DECOY = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="


@pytest.mark.parametrize(
    ("signature", "matches"),
    [
        (RIGHT.replace("OE=", "OA="), False),
        (RIGHT.removeprefix("v1,"), False),
        (RIGHT.replace("v1,", "v2,"), False),
        (RIGHT.replace("v1,", "v1a,"), False),
        (f"{DECOY} {RIGHT}", True),
        (f"{RIGHT} {DECOY}", True),
        (" ".join([DECOY] * 7 + [RIGHT]), True),
        (" ".join([DECOY] * 8 + [RIGHT]), False),
        (" ".join([RIGHT] * 9), False),
        (" ".join([DECOY] * 20_000), False),
        (f"{DECOY}  {RIGHT}", True),
        (f"{RIGHT},{RIGHT}", False),
        ("v1", False),
        ("v1,", False),
        ("v1,a,b", False),
        ("v1,abc", False),
        ("", False),
        (" ", False),
        ("é\ud800", False),
    ],
)
def test_what_passes_for_a_signature(signature, matches):
    assert vector(webhook_signature=signature) is matches


@pytest.mark.parametrize(
    ("seconds", "matches"),
    [(-301, False), (-300, True), (-299, True), (0, True), (299, True), (300, True), (301, False)],
)
def test_the_window_is_three_hundred_seconds_both_ways(seconds, matches):
    headers = signed_request("standard", SECRET, BODY, at=AT + seconds)

    assert standard.signed(headers, BODY, SECRET, NOW) is matches


@pytest.mark.parametrize(
    "at",
    ["1614265330.0", "1614265330.9", "nan", "inf", "-1", "+5", "0x10", "", "١٦١٤", "1e9", "9" * 40],
)
def test_only_whole_seconds_are_a_timestamp(at):
    headers = signed_request("standard", SECRET, BODY, at=at)

    assert standard.signed(headers, BODY, SECRET, VECTOR_TIME) is False


@pytest.mark.parametrize("message_id", ["", "a.b", "msg.1614265330"])
def test_an_id_with_a_dot_or_none_is_refused(message_id):
    headers = signed_request("standard", SECRET, BODY, message_id=message_id or "x", at=AT)
    headers["webhook-id"] = message_id

    assert standard.signed(headers, BODY, SECRET, NOW) is False


def test_hmac_is_that_of_rfc_4231():
    first = signature.hmac_base64(b"\x0b" * 20, b"Hi There")
    second = signature.hmac_base64(b"Jefe", b"what do ya want for nothing?")

    assert base64.b64decode(first).hex() == (
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    )
    assert base64.b64decode(second).hex() == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


def test_md5_is_that_of_rfc_1321():
    assert signature.md5_hex(b"message digest") == b"f96b697d7cb7938d525a2f31aaf161d0"


@pytest.mark.parametrize("platform", sorted(PLATFORMS))
def test_the_right_signature_matches(platform):
    headers = signed_request(platform, SECRETS[platform], BODY, at=AT)

    assert PLATFORMS[platform].signed(headers, BODY, SECRETS[platform], NOW) is True


def test_both_families_of_shopify_headers_count():
    headers = signed_request("shopify", SECRETS["shopify"], BODY)
    new = {name.lower().removeprefix("x-"): value for name, value in headers.items()}

    assert PLATFORMS["shopify"].signed(new, BODY, SECRETS["shopify"], NOW) is True


SHORT = ["", " ", "\t" * 20, "shortest", "whsec_", "a" * 15]
TOO_SHORT = [(platform, secret) for platform in sorted(PLATFORMS) for secret in SHORT]


@pytest.mark.parametrize(("platform", "secret"), [*TOO_SHORT, ("standard", "whsec_" + "a" * 15)])
def test_an_empty_or_short_secret_never_matches(platform, secret):
    padded = secret + "=" * (-len(secret.removeprefix("whsec_")) % 4)
    headers = signed_request(platform, padded if platform == "standard" else secret, BODY, at=AT)

    assert PLATFORMS[platform].signed(headers, BODY, secret, NOW) is False


@given(PLATFORM, st.binary(max_size=200), st.text(max_size=60))
def test_random_bytes_and_secrets_never_match_and_never_raise(platform, body, secret):
    headers = {
        "x-shopify-hmac-sha256": "x",
        "x-wc-webhook-signature": "x",
        "x-signature": "x",
        "webhook-id": "m",
        "webhook-timestamp": str(AT),
        "webhook-signature": "v1,x",
    }

    assert PLATFORMS[platform].signed(headers, body, secret, NOW) is False


NAMES = st.sampled_from(
    [
        "X-Shopify-Hmac-Sha256",
        "X-WC-Webhook-Signature",
        "X-Signature",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    ]
)


@given(PLATFORM, st.dictionaries(NAMES, st.text(max_size=80)), st.binary(max_size=50))
def test_random_headers_never_match_and_never_raise(platform, headers, body):
    assert PLATFORMS[platform].signed(headers, body, SECRETS[platform], NOW) is False


@given(PLATFORM, st.binary(min_size=1, max_size=100), st.data())
def test_a_body_changed_by_one_bit_does_not_match(platform, body, data):
    headers = signed_request(platform, SECRETS[platform], body, at=AT)
    place = data.draw(st.integers(0, len(body) * 8 - 1))
    changed = bytearray(body)
    changed[place // 8] ^= 1 << place % 8

    verify = PLATFORMS[platform].signed
    assert verify(headers, body, SECRETS[platform], NOW) is True
    assert verify(headers, bytes(changed), SECRETS[platform], NOW) is False


@settings(max_examples=300)
@given(PLATFORM, st.data())
def test_a_signature_changed_anywhere_does_not_match(platform, data):
    body = json.dumps({"id": 5}).encode()
    headers = signed_request(platform, SECRETS[platform], body, at=AT)
    name = next(n for n in headers if "Hmac" in n or "ignature" in n)
    value = headers[name]
    place = data.draw(st.integers(0, len(value) - 1))
    letter = data.draw(st.characters(min_codepoint=33, max_codepoint=0x2FFF))
    changed = value[:place] + letter + value[place + 1 :]

    same = changed.lower() == value if platform == "lightspeed" else changed == value
    assert (
        PLATFORMS[platform].signed(headers | {name: changed}, body, SECRETS[platform], NOW) is same
    )
