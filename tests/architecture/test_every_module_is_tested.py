"""Each module has tests under its own name, or a test module that names it."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = [
    path.relative_to(ROOT)
    for path in sorted([*(ROOT / "trustsvc").rglob("*.py"), *(ROOT / "jobs").rglob("*.py")])
    if path.name != "__init__.py" and "versions" not in path.parts
]
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def _mirror(module: Path) -> Path:
    """trustsvc/mail/smtp.py is tested in tests/mail/test_smtp.py, jobs/scrub.py in tests/jobs."""
    inside = module.relative_to("trustsvc") if module.parts[0] == "trustsvc" else module
    return ROOT / "tests" / inside.with_name(f"test_{module.name}")


def _named() -> set[str]:
    """Give the dotted names that tests import, and the paths that their docstrings name."""
    names: set[str] = set()
    for path in TESTS:
        text = path.read_text()
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        named = re.findall(r"\b(?:trustsvc|jobs)/[\w/]+\.py", ast.get_docstring(tree) or "")
        names |= {name.removesuffix(".py").replace("/", ".") for name in named}
        # Patches and job names: "trustsvc.mail.smtp.connect", "jobs.scrub.scrub".
        for name in re.findall(r"[\"'](?:trustsvc|jobs)(?:\.\w+)+", text):
            parts = name[1:].split(".")
            names |= {".".join(parts[:length]) for length in range(2, len(parts) + 1)}
    return names


def test_each_module_has_tests_under_its_name_or_is_named_in_others():
    named = _named()

    untested = [
        str(module)
        for module in MODULES
        if not _mirror(module).exists() and ".".join(module.with_suffix("").parts) not in named
    ]

    assert untested == []
