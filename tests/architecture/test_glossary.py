"""The words of the field, everywhere: old private words in names, docstrings and comments fail."""

import ast
import io
import re
import tokenize
from pathlib import Path

ROOT = Path(__file__).parents[2]
OLD = re.compile(
    r"(?<![a-z])(bells?|rung|wish(?:es)?|doors?|dots?|postbox|seal(?:ed)? anew|reseal|knocks?|"
    r"ledger|verbs?|house|letters?|brake|shunned|struck)(?![a-z])"
)
# Where an old word has its everyday or its technical meaning.
ALLOWED = re.compile(
    r"x-pm-metadata-letter|"
    r"plain letters|letters, digits|dot-stuff|dot_stuff|_dot_stuffed|no dots|and dots|dots and|"
    r"capital letter|letters and|letters or|a dot at|leading dot"
)


def words(path):
    text = path.read_text()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in {tokenize.NAME, tokenize.COMMENT}:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            said = ast.get_docstring(node)
            if said:
                yield getattr(node, "lineno", 1), said


def violations():
    for path in sorted([*(ROOT / "trustsvc").rglob("*.py"), *(ROOT / "jobs").rglob("*.py")]):
        for line, text in words(path):
            for found in OLD.finditer(ALLOWED.sub("", text.lower().replace("\n", " "))):
                yield f"{path.relative_to(ROOT)}:{line} {found[0]}"


def test_code_uses_the_words_of_the_glossary():
    assert list(violations()) == []
