"""The words of the field, everywhere: old private words in names, texts and documentation fail."""

import ast
import io
import re
import subprocess
import tokenize
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
OLD = re.compile(
    r"(?<![a-z])(bells?|rung|wish(?:es)?|doors?|dots?|postbox|reseal|knocks?|anew|"
    r"in[ _]hand|crosswise|ledger|verbs?|house|letters?|brake|shunned|struck|"
    r"doubt(?:s|ed)?|said|told|heard|rooms?|trips?|fates?|bites|strays?|wished)(?![a-z])"
)
# Said by whom, to whom? The name of a test says what is read, shown, logged or sent.
VAGUE = re.compile(r"_(?:told|heard)(?:_|$)")
# Where an old word has its everyday or its technical meaning.
ALLOWED = re.compile(
    r"x-pm-metadata-letter|letter-spacing|ascii_letters|"
    r"plain letters|letters, digits|of letters allowed|dot-stuff|dot_stuff|_dot_stuffed|no dots|"
    r"and dots|dots and|dots stay|capital letter|letters and|letters or|a dot at|leading dot|"
    # A reason that decision logs and suppression journals keep.
    r"(?:make|no|is there) room|room on the disk|said_no"
)
# Files in which an old word is meant, and why.
EXCEPT = {
    # Commands and fields of before.
    "CHANGELOG.md": {"door", "doors", "letter", "reseal", "said", "told"},
    "docs/adr/0013-no-provider-rules.md": {"dots"},  # of an address at Gmail
    "docs/reference/pseudonyms.md": {"dots"},  # of an address
    "tools/canary/fields.txt": {"house"},  # of an address
    # The text of a consent, which people have given: it is kept.
    "templates/words/en/register.toml": {"letter"},
}
# Of these, tests use the everyday meanings: letters of a text, room on a disk, what a log said.
EVERYDAY_IN_TESTS = {"said", "letter", "letters", "dot", "room"}
IN_TESTS_TOO = re.compile(r"(?<![a-z])(concerned|postbox)(?![a-z])")
COMMENT = re.compile(r"(?:^|\s)#\s(.*)")  # of TOML
TEXTS = {".md", ".html", ".txt", ".css", ".sh", ".conf"}


def words(path):
    """Give the line and text of names, comments and docstrings, or of all of a text."""
    is_text = path.suffix in TEXTS or (path.suffix == ".js" and "released" not in path.parts)
    if not is_text and path.suffix not in {".toml", ".py"}:
        return  # pictures and data
    text = path.read_text()
    if is_text:
        yield from enumerate(text.splitlines(), 1)
    elif path.suffix == ".toml":
        english = path.parent.name == "en" or "words" not in path.parts
        for key, value in entries(tomllib.loads(text)):
            yield 0, f"{key} = {value}" if english else key
        for number, line in enumerate(text.splitlines(), 1):
            if comment := COMMENT.search(line):
                yield number, comment[1]
    elif path.suffix == ".py":
        yield from of_code(text)


def entries(tree, path=""):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from entries(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def of_code(text):
    first = {}  # each name once
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in {tokenize.NAME, tokenize.COMMENT}:
            first.setdefault(token.string, token.start[0])
    yield from ((line, name) for name, line in first.items())
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            docstring = ast.get_docstring(node)
            if docstring:
                yield getattr(node, "lineno", 1), docstring


def paths():
    """List the files of the service, its documentation and its tools; the tests by their names."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    folders = ("trustsvc/", "jobs/", "templates/", "tools/", "bench/", "docs/", "deploy/")
    return [
        ROOT / name
        for name in listed
        if (name.startswith(folders) or "/" not in name) and (ROOT / name).is_file()
    ]


def violations():
    for path in paths():
        name = str(path.relative_to(ROOT))
        for line, text in words(path):
            for found in OLD.finditer(ALLOWED.sub("", text.lower().replace("\n", " "))):
                if found[1] not in EXCEPT.get(name, ()):
                    yield f"{name}:{line} {found[0]}"


def test_code_texts_and_documentation_use_the_words_of_the_glossary():
    assert list(violations()) == []


def test_names_of_tests_use_the_words_of_the_glossary():
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        if OLD.search(node.name) or VAGUE.search(node.name)
    ]

    everyday = ("begin_with_a_dot", "an_id_with_a_dot", "never_within_a_letter")
    assert [name for name in found if not any(word in name for word in everyday)] == []


def test_comments_docstrings_and_identifiers_of_tests_use_them_too():
    """A text in quotes is what a test reads or sends, and counts only as the name of a test."""
    found = [
        f"{path.relative_to(ROOT)}:{line} {hit[1]}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        if path.name != Path(__file__).name
        for line, text in words(path)
        for old in (OLD, IN_TESTS_TOO)
        for hit in old.finditer(ALLOWED.sub("", text.lower().replace("\n", " ")))
        if hit[1] not in EVERYDAY_IN_TESTS
    ]

    assert found == []


def test_every_exception_is_still_needed():
    for name, allowed in EXCEPT.items():
        found = {hit[1] for _, text in words(ROOT / name) for hit in OLD.finditer(text.lower())}
        assert allowed <= found, name
