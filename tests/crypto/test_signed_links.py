import string

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.key_rotation import add_key, drop_oldest
from trustsvc import config
from trustsvc.crypto import signed_links
from trustsvc.errors import NotFound

PURPOSES = sorted(signed_links.PATHS)


@pytest.fixture
def place(tmp_path):
    config.use(config.load({"TRUSTSVC_DATA": str(tmp_path)}))
    yield config.current()
    config.use(None)


@pytest.fixture(scope="module")
def steady(tmp_path_factory):
    config.use(config.load({"TRUSTSVC_DATA": str(tmp_path_factory.mktemp("keys"))}))
    yield signed_links.token("review", signed_links.new_id())
    config.use(None)


def test_a_token_gives_back_its_id(place):
    link_id = signed_links.new_id()

    ids = {signed_links.verify(p, signed_links.token(p, link_id)) for p in PURPOSES}
    assert ids == {link_id}


@pytest.mark.parametrize("made_for", PURPOSES)
@pytest.mark.parametrize("used_for", PURPOSES)
def test_a_link_of_one_purpose_opens_no_other(place, made_for, used_for):
    link_id = signed_links.new_id()
    token = signed_links.token(made_for, link_id)

    if made_for == used_for:
        assert signed_links.verify(used_for, token) == link_id
    else:
        with pytest.raises(NotFound):
            signed_links.verify(used_for, token)


def test_other_spellings_of_a_token_are_the_same_id_or_nothing(place):
    link_id = signed_links.new_id()
    token = signed_links.token("review", link_id)
    accepted = set()

    for spelled in {token[:-1] + last for last in string.printable} | {token + "=", token + "=="}:
        try:
            accepted.add(signed_links.verify("review", spelled))
        except NotFound:
            continue

    assert accepted == {link_id}


@pytest.mark.parametrize("signs", ["\n", "\n" * 4, "\r\n\t ", "%%%%", "é", "\0" * 4, "/" * 4])
def test_a_token_with_signs_that_are_in_no_token_opens_nothing(place, signs):
    token = signed_links.token("me", signed_links.new_id())

    for at in range(len(token) + 1):
        with pytest.raises(NotFound):
            signed_links.verify("me", token[:at] + signs + token[at:])


@pytest.mark.parametrize(
    "text", ["", ".", "a.b", "\x00", "é.é", "\ud800", "a" * 100_000, "..", "=.=", "a b.c d"]
)
def test_what_we_did_not_sign_is_not_found(place, text):
    with pytest.raises(NotFound):
        signed_links.verify("review", text)


def test_a_signed_id_of_another_length_is_not_found(place):
    for length in (0, 8, 15, 17, 64):
        with pytest.raises(NotFound):
            signed_links.verify("review", signed_links.token("review", b"x" * length))


@given(at=some.integers(0, 40), to=some.sampled_from(string.ascii_letters + string.digits + "-_."))
def test_no_change_of_a_message_makes_another_link(steady, at, to):
    token = steady
    changed = token[:at] + to + token[at + 1 :]
    if changed == token:
        return
    with pytest.raises(NotFound):
        signed_links.verify("review", changed)


def test_rotation_loses_no_live_link_and_signs_with_the_newest(place):
    link_id = signed_links.new_id()
    old = signed_links.token("review", link_id)
    add_key(place, "link")
    new = signed_links.token("review", link_id)

    assert old != new
    assert signed_links.verify("review", old) == signed_links.verify("review", new) == link_id

    drop_oldest(place, "link")
    assert signed_links.verify("review", new) == link_id
    with pytest.raises(NotFound):
        signed_links.verify("review", old)


def test_another_installation_opens_none_of_our_links(place, tmp_path_factory):
    token = signed_links.token("review", signed_links.new_id())

    config.use(config.load({"TRUSTSVC_DATA": str(tmp_path_factory.mktemp("other"))}))
    with pytest.raises(NotFound):
        signed_links.verify("review", token)


def test_the_host_of_a_link_comes_from_the_settings(place):
    link_id = signed_links.new_id()

    url = signed_links.url("stop", link_id)
    assert url == f"{place.base_url}/u/{signed_links.token('stop', link_id)}"


def test_ids_are_sixteen_random_bytes():
    assert {len(signed_links.new_id()) for _ in range(50)} == {16}
    assert len({signed_links.new_id() for _ in range(50)}) == 50
