"""Names and borders that no linter checks: loops over all modules, each with its exceptions."""

import ast
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATHS = sorted([*(ROOT / "trustsvc").rglob("*.py"), *(ROOT / "jobs").rglob("*.py")])
TREES = {
    str(path.relative_to(ROOT)): ast.parse(path.read_text())
    for path in PATHS
    if "migrations/versions" not in str(path)
}
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}


def nodes(kind):
    for place, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, kind):
                yield place, node


def test_log_events_are_codes():
    found = []
    for place, call in nodes(ast.Call):
        function = call.func
        if not (isinstance(function, ast.Attribute) and function.attr in LEVELS):
            continue
        if getattr(function.value, "id", "") != "logger":
            continue
        event = call.args[0].value if isinstance(call.args[0], ast.Constant) else ""
        if not re.fullmatch(r"[a-z_]+\.[a-z_]+", str(event)):
            found.append(f"{place}:{call.lineno} {event}")

    assert found == []


def test_no_two_public_classes_share_a_name():
    places = defaultdict(list)
    for place, node in nodes(ast.ClassDef):
        if not node.name.startswith("_") and node in TREES[place].body:
            places[node.name].append(place)

    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_no_module_of_ours_is_renamed_at_import():
    found = [
        f"{place}:{node.lineno} {alias.name} as {alias.asname}"
        for place, node in nodes(ast.Import | ast.ImportFrom)
        for alias in node.names
        if alias.asname
        and (getattr(node, "module", None) or alias.name).partition(".")[0] in {"trustsvc", "jobs"}
    ]

    assert found == []


def test_a_state_changes_only_through_its_machine():
    """`.values(state=...)` begins a row where it belongs to an insert, and nothing else."""
    found = []
    for place, call in nodes(ast.Call):
        if not (isinstance(call.func, ast.Attribute) and call.func.attr == "values"):
            continue
        if place.endswith("storage/state_machine.py"):
            continue
        begins = "insert" in ast.unparse(call.func)
        if not begins and any(keyword.arg == "state" for keyword in call.keywords):
            found.append(f"{place}:{call.lineno}")

    assert found == []


def test_public_functions_take_no_any():
    """Hooks of SQLAlchemy, RQ, urllib3 and WSGI are typed by their libraries."""
    hooks = {
        "trustsvc/crypto/encrypted_column.py",
        "trustsvc/http/client.py",
        "trustsvc/server_log/writer.py",
        "trustsvc/storage/columns.py",
        "trustsvc/storage/sqlite_reopen.py",
        "trustsvc/work_queue/time_limit.py",
        "trustsvc/work_queue/worker.py",
    }
    found = []
    for place, function in nodes(ast.FunctionDef):
        if place in hooks or function.name.startswith("_"):
            continue
        arguments = function.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        found += [
            f"{place}:{function.lineno} {function.name}({argument.arg})"
            for argument in every
            if argument.annotation and ast.unparse(argument.annotation) == "Any"
        ]

    assert found == []
