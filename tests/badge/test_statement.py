import json
from datetime import UTC, datetime, timedelta

import brotli
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trustsvc.badge.render import json_forms
from trustsvc.badge.render.content import BadgeContent
from trustsvc.badge.statement import jws, key_set, statement
from trustsvc.badge.statement.statement import Statement

# RFC 8037 appendix A.1, A.2 and A.4.
D = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
SIGNED = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)
KEY = Ed25519PrivateKey.from_private_bytes(jws.base64url_decode(D))
KEYS = {"1": KEY.public_key()}
NOW = datetime(2026, 11, 22, 23, 59, tzinfo=UTC)
BEGINS, ENDS = statement.validity(NOW)
SAID = Statement("https://reviews.example", "lamp.example", "lamp", 4.63, 1234, BEGINS, ENDS)
TOKEN = statement.encode(SAID, KEY, "1")


def signed(payload, header=b'{"alg":"EdDSA","kid":"1"}', key=KEY):
    return jws.sign(header, payload, key)


def test_the_encoding_is_that_of_rfc_8037():
    assert jws.sign(b'{"alg":"EdDSA"}', b"Example of Ed25519 signing", KEY) == SIGNED
    assert json.loads(key_set.write([("a", KEY.public_key())]))["keys"][0]["x"] == X


def test_what_was_signed_is_read_back():
    assert statement.decode(TOKEN, KEYS) == SAID
    head, payload, _ = TOKEN.split(".")
    assert jws.base64url_decode(head) == b'{"alg":"EdDSA","kid":"1"}'
    assert json.loads(jws.base64url_decode(payload)) == {
        "iss": "https://reviews.example", "sub": "lamp.example", "shop": "lamp",
        "score": 4.63, "count": 1234, "iat": BEGINS, "exp": ENDS,
    }  # fmt: skip


@pytest.mark.slow
def test_no_sign_of_it_can_be_another_be_left_out_or_be_added():
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n"
    wrong = []
    for place in range(len(TOKEN)):
        others = [one for one in letters if one != TOKEN[place]]
        changed = [TOKEN[:place] + one + TOKEN[place + 1 :] for one in others]
        for text in (*changed, TOKEN[:place] + TOKEN[place + 1 :], TOKEN[:place]):
            try:
                statement.decode(text, KEYS)
            except jws.NotSigned:
                continue
            wrong.append(text)
    for more in ("=", "A", ".", " ", "\n", ".A"):
        with pytest.raises(jws.NotSigned):
            statement.decode(TOKEN + more, KEYS)

    assert wrong == []


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"none","kid":"1"}',
        b'{"alg":"HS256","kid":"1"}',
        b'{"alg":"EdDSA"}',
        b'{"alg":"EdDSA","kid":"2"}',
        b'{"alg":"EdDSA","kid":1}',
        b'{"alg":"EdDSA","kid":"1","crit":["b64"],"b64":false}',
        b'{"alg":"EdDSA","kid":"1","jwk":{}}',
        b"[]",
        b"\xff",
        b"",
    ],
)
def test_a_header_that_says_anything_else_is_refused_though_it_is_signed(header):
    with pytest.raises(jws.NotSigned):
        statement.decode(signed(jws.base64url_decode(TOKEN.split(".")[1]), header), KEYS)


def test_unsigned_and_wrongly_signed_ones_are_refused():
    head, payload, signature = TOKEN.split(".")
    none = jws.base64url_encode(b'{"alg":"none"}')
    another = Ed25519PrivateKey.generate()
    for text in (
        "", "..", f"{head}.{payload}.", f"{none}.{payload}.", f"{none}.{payload}.{signature}",
        f"{head}.{payload}", f"{TOKEN}.{signature}", "A" * 5000, "é.é.é",
        statement.encode(SAID, another, "1"),
    ):  # fmt: skip
        with pytest.raises(jws.NotSigned):
            statement.decode(text, KEYS)
    with pytest.raises(jws.NotSigned):
        statement.decode(TOKEN, {"1": another.public_key()})
    with pytest.raises(jws.NotSigned):
        statement.decode(TOKEN, {})


@pytest.mark.parametrize(
    "change",
    [
        {"score": "4"}, {"score": 5.5}, {"score": -1}, {"count": -1}, {"count": 1.5}, {"exp": None},
        {"exp": 10**18}, {"exp": BEGINS - 1}, {"iat": -1}, {"sub": None}, {"iss": 1},
    ],
)  # fmt: skip
def test_what_is_no_statement_is_none_though_it_is_signed(change):
    payload = json.loads(jws.base64url_decode(TOKEN.split(".")[1])) | change

    with pytest.raises(jws.NotSigned):
        statement.decode(signed(json.dumps(payload).encode()), KEYS)


@pytest.mark.parametrize(
    ("after", "over", "early"),
    [
        (-timedelta(days=2), False, True),
        (-timedelta(hours=25, minutes=1), False, True),
        (-timedelta(hours=24, minutes=58), False, False),
        (timedelta(0), False, False),
        (timedelta(days=3), False, False),  # the service stood still for three days
        (timedelta(days=7), False, False),
        (timedelta(days=7, minutes=1), True, False),
        (timedelta(days=400), True, False),
    ],
)
def test_a_statement_holds_from_the_day_it_is_made_for_a_week_and_no_longer(after, over, early):
    moment = NOW + after

    assert (statement.is_expired(SAID, moment), statement.is_not_yet_valid(SAID, moment)) == (
        over,
        early,
    )


def test_its_bytes_stay_the_same_all_day():
    def made(now):
        begins, ends = statement.validity(now)
        stated = Statement(SAID.iss, SAID.sub, SAID.shop, SAID.score, SAID.count, begins, ends)
        return statement.encode(stated, KEY, "1")

    assert made(datetime(2026, 11, 22, tzinfo=UTC)) == TOKEN
    assert made(NOW + timedelta(minutes=1)) != TOKEN


def face(proof):
    words = ("4,6", "12.345 beoordelingen", "4,6 van 5 sterren, 12.345 beoordelingen")
    url = "https://reviews.schoenen-winkel.example/s/schoenen-en-tassen"
    return BadgeContent(*words, url, 4.63, 12345, True, proof)


def test_a_badge_with_it_stays_as_small_as_promised():
    stated = Statement(
        "https://reviews.schoenen-winkel.example", "www.schoenen-en-tassen.example",
        "schoenen-en-tassen", 4.63, 12345, BEGINS, ENDS,
    )  # fmt: skip
    token = statement.encode(stated, KEY, "12")
    bare, whole = json_forms.as_json(face("")), json_forms.as_json(face(token))

    assert json.loads(whole) == json.loads(bare) | {"proof": token}
    assert len(bare) <= 400
    assert len(whole) <= 700
    assert len(brotli.compress(bare)) <= 300
    assert len(brotli.compress(whole)) <= 530
    assert len(brotli.compress(token.encode())) <= 330


def test_a_set_of_keys_is_read_as_it_is_written_and_others_are_left_out():
    body = key_set.write([("1", KEY.public_key())])
    more = json.loads(body)
    more["keys"] += [
        {"kty": "RSA", "n": "AQ", "e": "AQAB"},
        {"kty": "OKP", "crv": "X25519", "x": X, "kid": "2"},
        {"kty": "OKP", "crv": "Ed25519", "x": X, "kid": "3", "use": "enc"},
    ]

    assert key_set.read(body) == KEYS
    assert key_set.read(json.dumps(more).encode()) == KEYS


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b'{"keys":1}', b"\xff", b"[" * 50_000,
        b'{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA","kid":"1"}]}',
        b'{"keys":[{"kty":"OKP","crv":"Ed25519","x":"%s="}]}' % X.encode(),
        b'{"keys":[%s]}' % b",".join([b'{"kty":"OKP","crv":"Ed25519","x":"%s"}' % X.encode()] * 2),
    ],
)  # fmt: skip
def test_what_is_no_set_of_keys_is_refused(body):
    with pytest.raises((ValueError, RecursionError)):
        key_set.read(body)
