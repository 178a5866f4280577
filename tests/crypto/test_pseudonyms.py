import base64
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.key_rotation import add_key
from trustsvc import address, config
from trustsvc.address import NotAnAddress, normalise
from trustsvc.crypto import keyring, pseudonyms
from trustsvc.crypto.pseudonyms import hmac_sha256


@pytest.fixture
def place(tmp_path):
    config.use(config.load({"TRUSTSVC_DATA": str(tmp_path)}))
    yield config.current()
    config.use(None)


KEY = bytes(range(32))


@pytest.mark.parametrize(
    ("address", "mac"),
    [
        ("user@example.com", "a2338a592a541ed0b0f667e0ab5ea16e52df675a4d0b0b774346c102eb27ddf4"),
        (
            "janesaoirse@gmail.com",
            "1670c59f1e42e51390d077bebf0d8c6975910de208d25437d253c102eea05f93",
        ),
        (
            "jane.saoirse@example.com",
            "85accb049032e1176312579ea83d345f1ff922e4fb7031955e81e4bc85487940",
        ),
    ],
)
def test_our_own_keyed_vectors(address, mac):
    assert mac == hmac_sha256(KEY, address).hex()


@pytest.mark.parametrize(
    ("key", "text", "mac"),
    [
        (
            b"\x0b" * 20,
            "Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        ),
        (
            b"Jefe",
            "what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
    ],
)
def test_the_vectors_of_rfc_4231(key, text, mac):
    assert mac == hmac_sha256(key, text).hex()


@pytest.mark.parametrize(
    ("address", "normal"),
    [
        # trim and lower case, as in UID2's and Meta's vectors
        ("USER@example.com", "user@example.com"),
        (" MyEmail@example.com ", "myemail@example.com"),
        ("MYEMAIL@EXAMPLE.COM", "myemail@example.com"),
        # dots and plus signs are part of the address, at gmail too: no provider is special
        ("My.Email@example.com", "my.email@example.com"),
        ("JaneSaoirse+Work@example.com", "janesaoirse+work@example.com"),
        ("Jane.Saoirse@gmail.com", "jane.saoirse@gmail.com"),
        ("JaneSaoirse+Work@gmail.com", "janesaoirse+work@gmail.com"),
        # NFC and NFD are one
        ("valéry@example.com", "valéry@example.com"),
        (unicodedata.normalize("NFD", "valéry@example.com"), "valéry@example.com"),
        ("정@example.com", "정@example.com"),
        (unicodedata.normalize("NFD", "정@example.com"), "정@example.com"),
        # IDNA (UTS 46, non-transitional)
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("a@BÜCHER.example", "a@xn--bcher-kva.example"),
        ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        ("a@faß.de", "a@xn--fa-hia.de"),
        ("a@straße.de", "a@xn--strae-oqa.de"),
        ("a@例え.テスト", "a@xn--r8jz45g.xn--zckzah"),
        # messages whose lower case surprises
        ("İstanbul@example.com", "i\u0307stanbul@example.com"),
        ("ẞ@example.com", "ß@example.com"),
        ("\u212aelvin@example.com", "kelvin@example.com"),  # the sign of kelvin is K by NFC
        ("a@example.com.", "a@example.com"),
    ],
)
def test_how_rule_one_writes_an_address(address, normal):
    assert normal == normalise(address)
    assert normal == normalise(normal)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "a@",
        "@example.com",
        "a@localhost",
        "a b@example.com",
        "a\r\nb@example.com",
        "a\x00@example.com",
        "a\u202e@example.com",
        "a@b@example.com",
        "<a@example.com>",
        "a,b@example.com",
        '"a"@example.com',
        "ﬁ@example.com",  # changes under NFKC: refused rather than folded
        "\u017f@example.com",  # the long s
        "\uff41@example.com",  # a full-width a
        "a@exa mple.com",
        "a@-example.com",
        "a@exam_ple.com",
        f"{'a' * 250}@example.com",
    ],
)
def test_what_is_refused_is_not_repeated(address):
    with pytest.raises(NotAnAddress) as refused:
        normalise(address)

    assert not address.strip("@") or address not in str(refused.value)


@settings(max_examples=300)
@given(some.text(max_size=30), some.text("abcßéÉİK\u017f.-例", min_size=1, max_size=20))
def test_normalising_twice_changes_nothing(local, domain):
    try:
        once = normalise(f"{local}@{domain}.com")
    except NotAnAddress:
        return
    assert once == normalise(once)
    assert "\n" not in once


PRINTABLE = "".join(map(chr, range(0x1F, 0x81)))


@settings(max_examples=500)
@given(some.text(PRINTABLE, max_size=12), some.sampled_from(["A.example", "Bücher.example", "b"]))
def test_a_plain_local_part_is_folded_as_any_other_is(local, domain):
    text = f"{local}@{domain}".strip()
    try:
        expected = address._normalise_any(text)
    except NotAnAddress:
        with pytest.raises(NotAnAddress):
            normalise(text)
    else:
        assert normalise(text) == expected


def test_many_pseudonyms_are_made_as_each_one_is(place):
    for kind in ("registry", "lookup", "lookup"):
        add_key(place, kind)
    maker = pseudonyms.PseudonymMaker()

    for number in range(5):
        plain = f"b{number}@example.com"
        assert maker.of_registry(plain) == set(pseudonyms.registry_pseudonyms(plain))
        for shop_id in (1, 2, 1):
            assert maker.of_shop(shop_id, plain) == set(pseudonyms.shop_pseudonyms(shop_id, plain))
            assert {len(one) for one in maker.of_shop(shop_id, plain)} == {
                pseudonyms.PSEUDONYM_BYTES
            }


def test_a_pseudonym_says_its_rule_and_key_and_holds_no_more_than_sixteen_bytes_of_mac(place):
    mark = pseudonyms.registry_pseudonym("User@example.com")

    key = keyring.newest_key("registry")
    assert mark == bytes((1, 1)) + hmac_sha256(key.secret, "user@example.com")[:16]


def test_pseudonyms_of_two_shops_and_of_the_registry_cannot_be_joined(place):
    marks = {
        pseudonyms.registry_pseudonym("a@example.com"),
        pseudonyms.shop_pseudonym(1, "a@example.com"),
        pseudonyms.shop_pseudonym(2, "a@example.com"),
        pseudonyms.text_pseudonym(1, "a@example.com"),
    }

    assert len({mark[2:] for mark in marks}) == 4


def test_after_a_rotation_new_pseudonyms_carry_the_new_key_and_old_ones_are_still_made(place):
    before = pseudonyms.shop_pseudonym(1, "a@example.com")
    text_before = pseudonyms.text_pseudonym(1, "order 1")
    add_key(place, "lookup")

    assert pseudonyms.shop_pseudonym(1, "a@example.com")[1] == 2
    assert pseudonyms.shop_pseudonyms(1, "A@example.com")[0] == before
    assert pseudonyms.text_pseudonym(1, "order 1") == text_before


def test_a_dump_of_pseudonyms_falls_to_no_dictionary_without_the_key(place):
    stored = {pseudonyms.registry_pseudonym(f"b{number}@example.com") for number in range(200)}

    from cryptography.hazmat.primitives import hashes

    def plain(text):
        made = hashes.Hash(hashes.SHA256())
        made.update(text.encode())
        return made.finalize()

    guesses = [f"b{number}@example.com" for number in range(200)]
    tried = {plain(guess)[:16] for guess in guesses} | {hmac_sha256(KEY, g)[:16] for g in guesses}
    assert tried.isdisjoint({mark[2:] for mark in stored})


def plain_sha256(text):
    from cryptography.hazmat.primitives import hashes

    made = hashes.Hash(hashes.SHA256())
    made.update(text.encode())
    return made.finalize()


# UID2's published vectors (IABTechLab/uid2docs, gs-normalization-encoding): written by the rule
# that is named, hashed without a key.
UID2 = [
    ("USER@example.com", "tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ="),
    ("MyEmail@example.com", "FsGNM28LJQ8OLZB0Us65ZYp07NrovJSGTCMSKnLMJ6U="),
    ("MYEMAIL@example.com", "FsGNM28LJQ8OLZB0Us65ZYp07NrovJSGTCMSKnLMJ6U="),
    ("My.Email@example.com", "4itTvG+HEnTzpiqzejyu1yFPwU1nYhWpaiQvz62hyB8="),
    ("JANESAOIRSE@example.com", "1mcOepIAfxtf94Xx/IHlOqbT170GvfXEc83HKGwoS20="),
    ("Jane.Saoirse@example.com", "sZZDLHuYmiypHIN5mVfFFdpT5sE6vyC3j+qU8RfpC/g="),
    ("JaneSaoirse+Work@example.com", "KKruSBUjDNO069iMUVImVQZm6RrAGZKeOtrD9mwogYA="),
    ("Jane.Saoirse@gmail.com", "ku4mBX7Z3qJTXWyLFB1INzkyR2WZGW4ANSJUiW21iI8="),
    ("JaneSaoirse+Work@gmail.com", "ku4mBX7Z3qJTXWyLFB1INzkyR2WZGW4ANSJUiW21iI8="),
]


@pytest.mark.parametrize(("address", "hashed"), UID2)
def test_the_vectors_of_uid2_by_rule_one_wherever_no_provider_is_special(address, hashed):
    same = hashed == base64.b64encode(plain_sha256(normalise(address))).decode()

    assert same == ("gmail" not in address)


@pytest.mark.parametrize(
    ("local", "hashed"),
    [
        # Meta's Conversions API: trim, lower case, NFC; dots stay.
        ("valéry", "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c"),
        (" Valéry", "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c"),
        ("정", "8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14"),
        ("Mary", "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec"),
    ],
)
def test_the_vectors_of_meta_for_what_stands_before_the_at(local, hashed):
    decomposed = unicodedata.normalize("NFD", local)
    for spelling in (local, decomposed):
        normal = normalise(f"{spelling}@example.com").rpartition("@")[0]
        assert hashed == plain_sha256(normal).hex()


def test_the_vector_of_meta_for_a_whole_address():
    normal = normalise("John_Smith@gmail.com")

    expected = "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"
    assert expected == plain_sha256(normal).hex()


def test_no_pseudonym_is_made_by_a_rule_of_a_provider(place):
    marks = {pseudonyms.registry_pseudonym(a) for a in ("jan@gmail.com", "j.an@gmail.com")}

    assert len(marks) == 2
    assert {mark[0] for mark in marks} == {pseudonyms.RULE}
