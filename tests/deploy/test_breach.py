"""The runbook for a breach names commands that exist: nobody looks them up in that hour."""

import re
from pathlib import Path

import click
import pytest

from trustsvc import cli
from trustsvc.crypto import keyring

TEXT = (Path(__file__).parents[2] / "docs/how-to/breach.md").read_text(encoding="utf-8")
OPTION = r"trustsvc (?:[a-zA-Z]+(?:-[a-z]+)* )*(?:--[a-z]+[^`\n#]*)"
COMMANDS = sorted(set(re.findall(r"trustsvc ((?:[a-z]+(?:-[a-z]+)* ?)+)((?: --[a-z]+)*)", TEXT)))


def found(words):
    group = cli.main
    for word in words:
        command = group.get_command(click.Context(group), word)
        if command is None:
            return group
        group = command
        if not isinstance(group, click.Group):
            return group
    return group


def test_each_command_is_there():
    for words, _ in COMMANDS:
        assert not isinstance(found(words.split()), click.Group), words


@pytest.mark.parametrize("line", re.findall(OPTION, TEXT))
def test_each_option_is_there(line):
    words = line.split()[1:]
    command = found([word for word in words if re.fullmatch("[a-z]+(-[a-z]+)*", word)])
    known = {name for option in command.params for name in option.opts}

    assert {word for word in words if word.startswith("--")} <= known


def test_every_kind_of_key_has_its_line():
    assert [kind for kind in keyring.KINDS if f"`{kind}`" not in TEXT] == []


@pytest.mark.parametrize(
    "article", ["Art. 33(1)", "Art. 33(2)", "Art. 33(3)", "Art. 33(5)", "Art. 34"]
)
def test_each_duty_to_tell_is_named(article):
    assert article in TEXT
