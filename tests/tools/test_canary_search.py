import base64
import gzip
import zlib

import brotli
import pytest

from tools.canary import people, search

MARKER = b"zqxqmail007q"


@pytest.mark.parametrize("before", [b"", b"a", b"ab", b"abc"])
@pytest.mark.parametrize(
    "write",
    [
        bytes,
        bytes.upper,
        base64.b64encode,
        base64.urlsafe_b64encode,
        lambda text: text.hex().encode(),
        lambda text: text.decode().encode("utf-16"),
        lambda text: text[::-1],
    ],
)
def test_a_marker_is_found_however_it_is_written(before, write):
    written = write(before + MARKER + b"@canary.example")

    found = search.count_markers(b"noise \0\xff" + written + b"\xfe noise")

    assert [kind for kind, _ in found] == ["zqxqmail"]


@pytest.mark.parametrize(
    ("pack", "end"), [(gzip.compress, "gz"), (zlib.compress, "gz"), (brotli.compress, "br")]
)
def test_a_marker_is_found_in_a_compressed_file(tmp_path, pack, end):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / f"old.{end}").write_bytes(pack(b"to " + MARKER))

    found = search.of_tree(tmp_path)

    assert {name: set(hits) for name, hits in found.items()} == {
        f"a/old.{end}": {("zqxqmail", "plain")}
    }


def test_where_there_is_none_none_is_found(tmp_path):
    (tmp_path / "noise").write_bytes(b"zqx mail zqxmai \0" * 1000)

    assert search.of_tree(tmp_path) == {}


def test_a_place_that_is_left_out_is_not_looked_into(tmp_path):
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "1").write_bytes(MARKER)

    assert search.of_tree(tmp_path, leave_out=["mail"]) == {}


@pytest.mark.parametrize("person", people.make_people(8), ids=lambda person: str(person.number))
def test_an_order_carries_sixty_marked_fields(person):
    body = people.order_body(person)

    assert {person.extra(n).encode() in body for n in range(people.EXTRA_FIELDS)} == {True}
    assert person.email.encode() in body
