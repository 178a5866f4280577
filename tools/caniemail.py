"""Extract from caniemail's data what classic Outlook and Gmail do with each feature of an e-mail.

`python -m tools.caniemail FOLDER`, where FOLDER is a checkout of github.com/hteumeuleu/caniemail,
writes tests/mail/caniemail.json again. Of several versions the least able one counts.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

EXTRACT = Path(__file__).parents[1] / "tests" / "mail" / "caniemail.json"
SOURCE = "https://github.com/hteumeuleu/caniemail"
CLASSIC = {"2007", "2010", "2013", "2016", "2019"}  # the versions of Outlook that draw with Word
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([\w.-]+)|([{}:,])')


def read_feature(text: str) -> dict[str, Any]:
    """Read one file of `_features`: yes, partly or no for each program, and the notes on why."""
    stats = _tree(text, "stats")
    notes = _tree(text, "notes_by_num") if "\nnotes_by_num:" in text else {}
    outlook = stats.get("outlook", {}).get("windows", {})
    gmail = stats.get("gmail", {}).values()
    answers = {
        "outlook": [answer for version, answer in outlook.items() if version in CLASSIC],
        "gmail": [list(versions.values())[-1] for versions in gmail if versions],
    }
    support = " ".join(answers["outlook"] + answers["gmail"])
    return {
        **{program: _worst(given) for program, given in answers.items()},
        "notes": [notes[number] for number in notes if re.search(rf"#{number}\b", support)],
    }


def _worst(answers: list[str]) -> str:
    first = {answer[0] for answer in answers}
    return next((one for one in ("n", "a", "y") if one in first), "unknown")


def _tree(text: str, key: str) -> dict[str, Any]:
    """Read a value that is nearly JSON: names without quotes, commas too many."""
    start = re.search(rf"^{key}:\s*", text, re.MULTILINE)
    if start is None:
        raise ValueError(key)
    tokens = (match.groups() for match in _TOKEN.finditer(text, start.end()))
    next(tokens)
    return _branch(tokens)


def _branch(tokens: Iterator[tuple[str | None, ...]]) -> dict[str, Any]:
    branch: dict[str, Any] = {}
    name = ""
    for quoted, bare, sign in tokens:
        if sign == "}":
            break
        if sign == "{":
            branch[name], name = _branch(tokens), ""
        elif sign is None and name:
            branch[name], name = quoted if quoted is not None else bare, ""
        elif sign is None:
            name = quoted or bare or ""
    return branch


def main(folder: Path) -> None:
    def git(*words: str) -> str:
        return subprocess.check_output(["git", "-C", str(folder), *words], text=True)

    names = git("ls-tree", "--name-only", "HEAD", "_features/").split()
    kept = [name for name in names if re.match(r"_features/(?:css|html)-", name)]
    head = {
        "source": SOURCE,
        "commit": git("rev-parse", "HEAD").strip(),
        "date": git("log", "-1", "--format=%cs").strip(),
        "licence": " ".join(git("show", "HEAD:LICENSE").split()),
    }
    lines = [
        f'  "{name}": {json.dumps(value, ensure_ascii=False)},' for name, value in head.items()
    ]
    features = [
        f'    "{Path(name).stem}": '
        + json.dumps(read_feature(git("show", f"HEAD:{name}")), ensure_ascii=False)
        for name in kept
    ]
    text = ",\n".join(features)
    EXTRACT.write_text("{\n" + "\n".join(lines) + f'\n  "features": {{\n{text}\n  }}\n}}\n')


if __name__ == "__main__":
    main(Path(sys.argv[1]))
