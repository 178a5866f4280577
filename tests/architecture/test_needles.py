"""What a test looks for in random text cannot stand there by chance."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Expressions that hold ciphertexts, hashes, tokens, ids or packed bytes.
RANDOM = re.compile(
    r"\b(raw|stored|everything|everything_in_redis|public_text|read_bytes|bytes_of|content|row|page)\b"
)
CHANCE = re.compile(r"[A-Za-z0-9_-]{1,7}")  # letters of base64, base64url and hex, and few of them


def short_needles(source):
    """Give the short plain texts that are said not to be in something random."""
    return [
        f"{node.left.value!r} in {where}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.NotIn)
        if isinstance(node.left, ast.Constant) and isinstance(node.left.value, str | bytes)
        if RANDOM.search(where := ast.unparse(node.comparators[0]))
        if CHANCE.fullmatch(ast.unparse(node.left).lstrip("b").strip("'\""))
    ]


def test_no_test_looks_for_what_chance_may_write():
    found = {
        str(path.relative_to(ROOT)): short
        for path in (ROOT / "tests").rglob("*.py")
        if re.search(r"[\"'] not in ", text := path.read_text())
        if (short := short_needles(text))
    }
    assert found == {}


def test_a_short_needle_is_seen():
    assert short_needles("assert b'Sam' not in bytes(raw)") == ["b'Sam' in bytes(raw)"]
    assert short_needles("assert 'Sam X' not in raw or 'jan@' not in raw or 'x' not in y") == []
