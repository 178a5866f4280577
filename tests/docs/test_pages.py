"""README and docs name only what exists; tools/docs/reference.py's pages are what the code says."""

import os
import re
import subprocess
import sys
from itertools import chain, count
from pathlib import Path
from typing import get_args

import click
import pytest

from trustsvc import cli
from trustsvc.address import normalise
from trustsvc.crypto import keyring, pseudonyms
from trustsvc.orders import received

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
        ROOT / "deploy" / "README.md",
        *sorted((ROOT / "docs").rglob("*.md")),
    ]
}
WRITTEN = {name: text for name, text in PAGES.items() if "/generated/" not in name}


def test_every_path_it_names_exists():
    missing = [
        (page, path)
        for page, text in WRITTEN.items()
        for path in re.findall(
            r"`((?:tests|trustsvc|deploy|docs|tools|jobs|bench)/[\w./-]+)`", text
        )
        if not (ROOT / path).exists()
    ]

    assert missing == []


def test_every_link_leads_to_a_file():
    broken = [
        (page, target)
        for page, text in PAGES.items()
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
        if "://" not in target and not ((ROOT / page).parent / target).exists()
    ]

    assert broken == []


def anchors(text):
    """List the anchors of a page: explicit targets, and slugs of headings as MyST makes them.

    docs/conf.py gives headings of four levels one; a heading of the same text gets a number.
    """
    prose = without_code(text)
    found = re.findall(r"^\(([\w-]+)\)=$", prose, re.MULTILINE)
    for title in re.findall(r"^#{1,4} +(.+?) *$", prose, re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", shown.lower().replace(" ", "-"))
        numbered = (f"{slug}-{number}" for number in count(1))
        found.append(next(one for one in chain([slug], numbered) if one not in found))
    return found


def without_code(text):
    return re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.MULTILINE | re.DOTALL)


def broken_anchors(pages):
    for page, text in pages.items():
        for path, anchor in re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", without_code(text)):
            if "://" in path or (path and not path.endswith(".md")):
                continue
            target = os.path.normpath(Path(page).parent / path) if path else page
            if anchor not in anchors(pages.get(target, "")):
                yield page, f"{path}#{anchor}"


def test_every_anchor_of_a_link_is_on_its_page():
    """`make docs` builds the site and fails at one, but no test builds it."""
    linked = sum(len(re.findall(r"\]\([^)\s]*\.md#", text)) for text in PAGES.values())

    assert linked > 20
    assert list(broken_anchors(PAGES)) == []


def test_anchors_are_those_that_the_site_has():
    page = """
(as-named)=
# `trustsvc up` forks: its processes
## Hour 0 to 1: stop it, keep the traces
## api_connections
## What *is* [kept](other.md)?
## Twice
## Twice
##### Too deep
```bash
# a comment
```
"""

    assert anchors(page) == [
        "as-named",
        "trustsvc-up-forks-its-processes",
        "hour-0-to-1-stop-it-keep-the-traces",
        "api_connections",
        "what-is-kept",
        "twice",
        "twice-1",
    ]
    links = "[a](b.md#twice-1) [b](b.md#twice-2) [c](#own) [d](https://shop.example/#x) [e](c.md#a)"
    assert list(broken_anchors({"docs/a.md": links, "docs/b.md": page})) == [
        ("docs/a.md", "b.md#twice-2"),
        ("docs/a.md", "#own"),
        ("docs/a.md", "c.md#a"),
    ]


def is_command(words):
    """Say whether the words begin with a command that can be called, all groups opened."""
    group = cli.main
    for word in words:
        found = group.get_command(click.Context(group), word)
        if found is None:
            return False
        if not isinstance(found, click.Group):
            return True
        group = found
    return True


def test_every_command_exists():
    words = r"((?:[a-z][a-z-]*(?: |(?=[`\n,.)])))+)"
    named = [
        (page, line)
        for page, text in WRITTEN.items()
        for line in re.findall(rf"(?:`|bin/)trustsvc {words}", text)
    ]

    assert len(named) > 50
    assert [(page, line) for page, line in named if not is_command(line.split())] == []


def test_every_make_target_exists():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for text in WRITTEN.values() for name in re.findall(r"`make ([a-z]+)", text)}

    assert named <= targets


def test_the_vector_of_the_hash_is_what_the_code_makes():
    page = PAGES["docs/reference/pseudonyms.md"]
    address, normal, pseudonym = re.search(
        r'^"(.+)"  →  (\S+)  →  ([0-9a-f ]+)$', page, re.MULTILINE
    ).groups()

    assert normal == normalise(address)
    made = pseudonyms.registry_pseudonym(address, keyring.Key(1, bytes(range(32))))
    assert pseudonym.replace(" ", "") == made.hex()


def test_every_reason_of_an_ignored_delivery_is_explained():
    codes = set(re.findall(r"`([a-z_]+)`", PAGES["docs/reference/webhook-answers.md"]))

    assert set(get_args(received.IgnoreReason)) <= codes


def test_the_readme_is_short():
    assert len(PAGES["README.md"].encode()) <= 6000


def test_generated_pages_are_not_stale(tmp_path):
    """`make docs`, or `python -m tools.docs.reference`, writes them again."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("TRUSTSVC_")}
    run = subprocess.run(
        [sys.executable, "-m", "tools.docs.reference", str(tmp_path)],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    folder = ROOT / "docs" / "reference" / "generated"
    kept = {path.name: path.read_text() for path in folder.iterdir()}
    assert (
        sorted(name for name in made.keys() | kept.keys() if made.get(name) != kept.get(name)) == []
    )
