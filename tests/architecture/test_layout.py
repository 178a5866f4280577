"""Rules on files, names and imports that no linter knows; `make lint` checks the others."""

import ast
import re
import subprocess
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = sorted([*(ROOT / "trustsvc").rglob("*.py"), *(ROOT / "jobs").rglob("*.py")])
SMALL = [path for path in CODE if "migrations/versions" not in str(path)]


def run(*command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{name.name}" for name in node.names)


def test_only_the_clock_asks_the_time():
    asks = re.compile(r"datetime\.now\(|datetime\.utcnow\(|time\.time\(|date\.today\(")

    found = {str(p.relative_to(ROOT)) for p in CODE if asks.search(p.read_text())}

    assert found == {"trustsvc/clock.py"}


def test_a_file_has_at_most_250_lines():
    assert [str(p.relative_to(ROOT)) for p in SMALL if len(p.read_text().splitlines()) > 250] == []


def test_a_function_has_at_most_50_lines():
    functions = [
        (p.name, node.name, node.end_lineno - node.lineno + 1)
        for p in SMALL
        for node in ast.walk(ast.parse(p.read_text()))
        if isinstance(node, ast.FunctionDef)
    ]

    assert [found for found in functions if found[2] > 50] == []


def test_no_drawers():
    drawers = {
        "utils",
        "helpers",
        "common",
        "core",
        "manager",
        "handler",
        "base",
        "misc",
        "service",
    }

    assert [p for p in CODE if p.stem in drawers or p.parent.name in drawers] == []


def test_no_test_fails_because_a_machine_is_slow():
    """What is waited for has waiting.PATIENCE_S, and no clock is compared with a number.

    Numbers below a second are pauses between looks; those below are limits of what is tested.
    """
    tested = {
        "tests/work_queue/test_time_limit.py",  # a job with a second to go
        "tests/work_queue/test_stop_request.py",  # ends before its time is over
    }
    found = [
        f"{place}:{node.lineno}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if (place := str(path.relative_to(ROOT))) not in tested
        if (isinstance(node, ast.Call) and any(map(_is_tight, _limits(node))))
        or (isinstance(node, ast.Compare) and _compares_a_clock(node))
    ]

    assert found == []


def _limits(call):
    """Give what a call waits for at most, as it is written."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if name in {"wait", "join", "timeout"} and len(call.args) == 1:
        yield call.args[0]
    if name == "until":
        yield from [*call.args, *(key.value for key in call.keywords)]
    yield from (key.value for key in call.keywords if key.arg == "timeout")


def _is_tight(node):
    most = 600  # what pytest's own limit is, which no test counts on
    value = node.value if isinstance(node, ast.Constant) else None
    return type(value) in {int, float} and 1 <= value < most


def _compares_a_clock(node):
    sides = [node.left, *node.comparators]
    return any(
        any(map(_is_tight, pair))
        and re.search(r"\b(monotonic|perf_counter|uptime)\b", "".join(map(ast.unparse, pair)))
        for pair in pairwise(sides)
    )


def test_only_routes_know_flask():
    routes = {
        "views",
        "desk",
        "api",
        "app",
        "health",
        "sign_in",
        "desk_reading",
        "serve",
        "request_body",
        "request_limits",
        "request_views",
        "requester",
        "wrong_signatures",
    }

    found = [
        p
        for p in CODE
        if "flask" in {n.partition(".")[0] for n in imported(ast.parse(p.read_text()))}
    ]

    assert {p.stem for p in found} <= routes


def test_use_cases_never_commit():
    allowed = {
        "trustsvc/storage/db.py",
        "trustsvc/storage/connections.py",
        "trustsvc/migrations/__init__.py",
    }

    found = {str(p.relative_to(ROOT)) for p in SMALL if re.search(r"\.commit\(", p.read_text())}

    assert found == allowed


def test_a_job_is_named_by_its_file_and_is_on_the_list():
    from trustsvc.work_queue import job_queue

    names = {p.stem for p in (ROOT / "jobs").glob("*.py")} - {"__init__", "schedule"}

    assert names == job_queue.JOB_NAMES
    for name in names:
        module = ast.parse((ROOT / "jobs" / f"{name}.py").read_text())
        functions = [n for n in module.body if isinstance(n, ast.FunctionDef)]
        assert [f.name for f in functions if not f.name.startswith("_")] == [name]
        assert all(not f.args.args for f in functions if f.name == name)


def test_every_job_is_enqueued_by_the_scheduler():
    from jobs import schedule
    from trustsvc.work_queue import job_queue

    assert {tick.job for tick in schedule.SCHEDULE} == job_queue.JOB_NAMES
    assert all(
        tick.every_s <= 60
        for tick in schedule.SCHEDULE
        if tick.job in {"check_orders", "send_messages"}
    )


def test_every_stored_column_says_why_and_how_long():
    from tests import all_tables
    from trustsvc.storage import columns

    all_tables.load()

    bare = [
        str(c)
        for t in columns.metadata.tables.values()
        for c in t.columns
        if set(c.info) != {"purpose", "retention", "category"}
    ]

    assert bare == []


def tracked():
    code, words = run("git", "ls-files")
    return [ROOT / line for line in words.splitlines()] if code == 0 else []


def test_no_file_names_a_registry_or_a_path_of_one_machine():
    hosts = re.compile(
        rb"py[p]i\.org|python[h]osted|registry\.[n]pmjs|[d]ebian\.org/|/root/[.]pyenv|(^|[^A-Za-z0-9_.])/[w]ork/"
    )

    found = [
        str(p.relative_to(ROOT)) for p in tracked() if p.is_file() and hosts.search(p.read_bytes())
    ]

    assert found == []


def test_every_commit_needs_each_proof():
    makefile = (ROOT / "Makefile").read_text().replace("\\\n", "")
    marked = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("test_*.py")
        if re.search(r"mark\.proof\b", path.read_text())
    }
    ci = (ROOT / ".ci" / "run").read_text()

    assert set(re.search(r"^PROOFS := (.*)$", makefile, re.MULTILINE)[1].split()) == marked
    assert "set -e" in ci
    assert ci.endswith("\nmake lint\nmake docs\nmake proofs\nmake test\n")
