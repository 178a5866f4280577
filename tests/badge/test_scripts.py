import pytest

from trustsvc.badge import public_files, scripts

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # none is asked


@pytest.fixture
def released(installation, tmp_path, monkeypatch):
    """Lay releases where the programme keeps its own."""
    place = tmp_path / "static"
    for release in ("1.9.0", "1.10.0", "1.2.0"):
        folder = place / "released" / release
        folder.mkdir(parents=True)
        for name in ("badge.js", "list.js"):
            (folder / name).write_bytes(f"// {name} {release}".encode())
    (place / "card.js").write_bytes(b"// card")
    monkeypatch.setattr(scripts, "STATIC", place)
    scripts.all_scripts.cache_clear()
    yield
    scripts.all_scripts.cache_clear()


def test_each_release_keeps_its_address_and_v1_is_the_newest(released):
    assert scripts.write_scripts() == 9
    assert scripts.write_scripts() == 0

    found = {
        str(path.relative_to(public_files.folder())): path.read_bytes().decode()
        for path in public_files.folder().rglob("*.js")
    }
    every = {
        f"embed/{release}/{name}.js": f"// {name}.js {release}"
        for release in ("1.9.0", "1.10.0", "1.2.0")
        for name in ("badge", "list")
    }
    assert found == every | {
        "embed/v1.js": "// badge.js 1.10.0",
        "embed/v1-list.js": "// list.js 1.10.0",
        "embed/card.js": "// card",
    }
