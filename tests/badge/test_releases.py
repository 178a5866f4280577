"""Released scripts: shops pin them by hash, so what was released never changes."""

import gzip
import re

import brotli
import pytest

from bench import embed
from trustsvc.badge import scripts

# A release that was published is never edited: change the source, and release a new number.
PINNED = {
    "1.0.0/badge.js":
        "sha384-Cl20F0VS6XG8LUr98B0alik9bApUicL8MKt6fLOTKcvRiR9umGvLMicHFiaqTEXX",
    "1.0.0/list.js":
        "sha384-0DmUYJBZ4X5cHDMTbfIjteC5i9i8BmekZ5rc6oypUltT2aD9IVApf6a7L+NDt9vC",
}  # fmt: skip
NEWEST = scripts.newest_release()
MOST = {"badge.js": (1600, 1900), "list.js": (2200, 2500)}  # brotli, gzip


def _released(name):
    return scripts.all_scripts()[f"embed/{name}"]


def test_every_release_is_still_what_it_was():
    released = {
        name.removeprefix("embed/"): scripts.integrity(body)
        for name, body in scripts.all_scripts().items()
        if name.count("/") == 2
    }

    assert released == PINNED


@pytest.mark.parametrize("name", embed.NAMES)
def test_the_newest_release_is_the_source_minified(name):
    assert embed.built(name) == _released(f"{NEWEST}/{name}"), "make embed VERSION=…"


@pytest.mark.parametrize(("floating", "name"), [("v1.js", "badge.js"), ("v1-list.js", "list.js")])
def test_what_updates_itself_is_the_newest_release(client, floating, name):
    assert client.get(f"/embed/{floating}").data == _released(f"{NEWEST}/{name}")


@pytest.mark.parametrize("name", embed.NAMES)
def test_a_release_is_small_as_served_and_fit_for_the_strictest_policy(client, name):
    for coding, most, unpacked in zip(
        ("br", "gzip"), MOST[name], (brotli.decompress, gzip.decompress), strict=True
    ):
        sent = client.get(f"/embed/{NEWEST}/{name}", headers={"Accept-Encoding": coding}).data
        assert unpacked(sent) == _released(f"{NEWEST}/{name}")
        assert len(sent) <= most

    refused = "innerHTML|outerHTML|insertAdjacent|document.write|[.]style|data:|Storage|cookie|eval"
    assert re.findall(refused, _released(f"{NEWEST}/{name}").decode()) == []


@pytest.mark.parametrize(
    "path", ["/embed/1.0.99/badge.js", "/embed/..%2fsource/badge.js", "/embed/1.0.0/card.js",
             "/embed/released/badge.js", "/embed/source/badge.js", "/embed/badge.js"],
)  # fmt: skip
def test_what_was_not_released_is_not_there(client, path):
    assert client.get(path).status_code == 404


def test_a_release_is_not_written_twice_differently(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(embed.scripts, "STATIC", tmp_path)
    (tmp_path / "released" / "1.0.1").mkdir(parents=True)
    (tmp_path / "released" / "1.0.1" / "badge.js").write_bytes(b"old")

    assert embed.main("1.0.1") == 1
    assert "new number" in capsys.readouterr().out
    assert (tmp_path / "released" / "1.0.1" / "badge.js").read_bytes() == b"old"
    assert embed.main("../x") == 2
    assert embed.main("1.0.2") == 0
    assert embed.main("1.0.2") == 0
