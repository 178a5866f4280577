"""The README says what is there."""

import re
from pathlib import Path

from trustsvc import config
from trustsvc.address import normalise
from trustsvc.cli import COMMANDS
from trustsvc.crypto import keyring, pseudonyms

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_every_setting_is_in_the_table():
    documented = set(re.findall(r"^\| `TRUSTSVC_([A-Z_]+)` \|", README, re.MULTILINE))

    assert documented == set(config.DEFAULTS)


def test_every_test_file_it_points_to_exists():
    named = re.findall(r"`((?:tests|trustsvc|deploy|docs)/[\w./*-]+)`", README)

    missing = [name for name in named if not list(ROOT.glob(name.rstrip("/")))]

    assert missing == []


def test_every_picture_it_shows_exists():
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)

    assert pictures
    assert [name for name in pictures if not (ROOT / name).exists()] == []


def test_every_command_is_named():
    section = README.partition("## The command")[2].partition("\n## ")[0]

    assert [name for name in COMMANDS if name not in section] == []


def test_make_targets_it_names_exist():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    here = README.partition("## Not here yet")[0]
    assert set(re.findall(r"`?make ([a-z]+)\b", here)) <= targets


def test_the_vector_of_the_hash_is_what_the_code_makes():
    said = re.search(r'^"(.+)"  →  (\S+)  →  ([0-9a-f ]+)$', README, re.MULTILINE)
    address, normal, mark = said.groups()

    assert normal == normalise(address)
    made = pseudonyms.registry_pseudonym(address, keyring.Key(1, bytes(range(32))))
    assert mark.replace(" ", "") == made.hex()
