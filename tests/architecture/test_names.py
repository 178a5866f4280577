"""Names and borders that no linter checks: loops over all modules, each with its exceptions."""

import ast
import importlib
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

from trustsvc.orders import aspects
from trustsvc.privacy.state import RequestState, request_states
from trustsvc.storage.state_machine import StateMachine

ROOT = Path(__file__).parents[2]
PATHS = sorted([*(ROOT / "trustsvc").rglob("*.py"), *(ROOT / "jobs").rglob("*.py")])
OURS = ("trustsvc", "jobs", "tests", "tools", "bench")
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}


@cache
def trees():
    return {
        str(path.relative_to(ROOT)): ast.parse(path.read_text())
        for path in PATHS
        if "migrations/versions" not in str(path)
    }


def nodes(kind):
    for place, tree in trees().items():
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
        if not node.name.startswith("_") and node in trees()[place].body:
            places[node.name].append(place)

    assert {name: found for name, found in places.items() if len(found) > 1} == {}


# Constants that may have one name in several modules, and why. Each is used with its module's name,
# or inside of its module only.
DOUBLED = {
    "units and moments": "DAY DAYS HOUR MINUTE MILLISECOND EPOCH",
    "bounds, periods and sizes of what the module is about": """
        BATCH_SIZE CHUNK_BYTES CLOCK_TOLERANCE HEARTBEAT_LATE INTERVAL INTERVAL_S LIMIT_S MARGIN
        MAX_ADDRESSES MAX_A_DAY MAX_BYTES MAX_CHARACTERS MAX_ENTRIES MAX_FAILURES MAX_GAP MAX_HEADER
        MAX_KEYS MAX_LENGTH MAX_MAILS_A_DAY MAX_NAME MAX_NAMED MAX_NAME_LENGTH MAX_NETWORKS
        MAX_OF_NETWORK MAX_PAGES MAX_REVIEWS MAX_ROWS MAX_TAGS MIN_SECRET_LENGTH MOST OLDEST OVERLAP
        PAGE_SIZE POLL_S REPORT_EVERY START_S TIMEOUT_S TIME_LIMIT WINDOW""",
    "the same attribute of modules that stand for each other: platforms, formats, commands": """
        CHECK CHECKS COMMANDS FILE FOLDER FORMAT HEADERS KINDS LISTS NAME PLATFORMS REASON
        REASONS RULE SETUP_STEPS TYPES BY SHARED SLUG SERVICE BUYER""",
    "words and fields as a platform or a mail provider writes them": """
        COMPANIES COMPLAINTS CUSTOMER_EMAIL DATES EMAIL FIELDS HARD MARKETPLACES MOMENT NOBODY
        NOTHING PAID PARTLY_SENT PARTLY_SHIPPED REFUNDED REFUSED RENEWAL RETURNED
        SHIPPED STATES TEST_GATEWAYS TOPICS UNPAID WORST_FIRST""",
    "codes of an answer or a row": "LINK NO_SHOP PLATFORM_ERROR TOO_LONG",
    "the logger of each module": "logger",
}


def test_no_two_public_names_are_spelled_alike():
    """Classes, aliases, objects and constants at the top of modules; a module counts by its name.

    Only constants may be doubled, and only those named above.
    """
    modules = {path.stem for path in PATHS}
    places = defaultdict(list)
    for place, tree in trees().items():
        for node in tree.body:
            for name in _public_names(node):
                places[name].append(place)
    doubled = {name for name, found in places.items() if len(found) > 1}
    like_modules = {
        f"{place} {name}"
        for place, tree in trees().items()
        for node in tree.body
        for name in _public_names(node)
        if name in modules and not _is_table(node)  # a table may have the name of its module
    }

    allowed = set(" ".join(DOUBLED.values()).split())
    assert {name for name in allowed if not name.isupper()} == {"logger"}
    assert doubled - allowed == set()
    assert allowed - doubled == set()  # each exception is still needed
    assert like_modules == set()


def _is_table(node):
    return isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "Table"


def _public_names(node):
    if not isinstance(node, ast.Assign | ast.AnnAssign | ast.ClassDef):
        return []
    targets = getattr(node, "targets", [getattr(node, "target", None)])
    found = [one.id for one in targets if isinstance(one, ast.Name)]
    if isinstance(node, ast.ClassDef):
        found.append(node.name)
    return [name for name in found if not name.startswith("_")]


def test_no_module_of_ours_is_renamed_at_import():
    """Nor a name out of one; in tests, tools and benchmarks neither."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {alias.name} as {alias.asname}"
        for folder in OURS
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if alias.asname and (getattr(node, "module", None) or alias.name).partition(".")[0] in OURS
    ]

    assert found == []


# Words that say nothing without the module they belong to.
BARE_WORDS = re.compile(r"read|write|find|check|note|add|get|make|run|load|save|send")
# Functions that are used without their module's name all the same, and why.
BARE = {
    # The outbox sends: there is one such function, and its module has its name.
    "jobs/send_messages.py trustsvc.mail.outbox.send.send",
    "tests/privacy/rights/my_data_pages.py trustsvc.mail.outbox.send.send",
    "tests/registry/registrations.py trustsvc.mail.outbox.send.send",
}


def test_no_bare_word_is_imported_as_a_function():
    """It is used with its module's name, `decision_log.write`; a module may have such a name."""
    found = {
        f"{path.relative_to(ROOT)} {node.module}.{alias.name}"
        for folder in OURS
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in OURS
        for alias in node.names
        if BARE_WORDS.fullmatch(alias.name) and not _is_module(f"{node.module}.{alias.name}")
    }

    assert found == BARE


def test_no_function_is_a_bare_word_and_the_name_of_its_module():
    """Nobody reads `check.check`."""
    found = {
        place
        for place, tree in trees().items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        if BARE_WORDS.fullmatch(node.name) and node.name == Path(place).stem
    }

    assert found == {"trustsvc/mail/outbox/send.py"}  # as above


def _is_module(name):
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").exists() or path.is_dir()


def test_a_state_changes_only_through_its_machine():
    """`.values(state=...)` begins a row where it belongs to an insert, and nothing else.

    So do dicts and strings: `.values({"state": ...})`, `set_={"state": ...}`, SQL as text. The one
    statement whose columns are names in a list is read by its lists.
    """
    found = []
    for place, call in nodes(ast.Call):
        if not (isinstance(call.func, ast.Attribute) and call.func.attr == "values"):
            continue
        if place.endswith("storage/state_machine.py"):
            continue
        begins = "insert" in ast.unparse(call.func)
        if not begins and _names_state(call):
            found.append(f"{place}:{call.lineno}")
    for place, text in nodes(ast.Constant):
        if re.search(r"\bUPDATE \w+ SET\b.*\bstate\s*=", str(text.value)):
            found.append(f"{place}:{text.lineno}")
    for place, keyword in nodes(ast.keyword):
        if keyword.arg == "set_" and "state" in _strings(keyword.value):
            found.append(f"{place}:{keyword.value.lineno}")

    assert found == []
    assert "state" not in {*aspects.CHANGING, *aspects.BUYER}


def test_a_row_begins_in_a_state_that_its_machine_lets_it_begin_in():
    """Each state that is given to a row comes from `begin`, or moves one; others are named here."""
    no_new_rows = {
        ("trustsvc/orders/merge.py", "OrderState.RECEIVED"),  # after `require`
        ("trustsvc/reviews/desk.py", "ReviewState.PENDING"),  # what is listed
        # Both of them are initial, as the assertion below says.
        ("trustsvc/privacy/request_log.py", "RequestState.DONE"),
        ("trustsvc/privacy/request_log.py", "RequestState.OPEN"),
    }
    given = [(place, key.value) for place, key in nodes(ast.keyword) if key.arg == "state"]
    for place, made in nodes(ast.Dict):
        given += [
            (place, value)
            for key, value in zip(made.keys, made.values, strict=True)
            if isinstance(key, ast.Constant) and key.value == "state"
        ]
    names = {state.name for state in _all_states()}
    found = {
        (place, ast.unparse(value))
        for place, value in given
        if not (isinstance(value, ast.Call) and getattr(value.func, "attr", "") == "begin")
        and any(getattr(one, "attr", getattr(one, "id", "")) in names for one in ast.walk(value))
    }

    assert found == no_new_rows
    assert request_states.initial == {RequestState.DONE, RequestState.OPEN}


def _names_state(call):
    return any(key.arg == "state" for key in call.keywords) or "state" in set().union(
        *(_strings(one) for one in [*call.args, *(key.value for key in call.keywords)])
    )


def _is_state(node):
    """`orders.c.state`, `order.state`, `row["state"]`, or a variable `state`."""
    name = getattr(node, "attr", getattr(node, "id", ""))
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        name = node.slice.value
    return name == "state"


def _strings(node):
    return {n.value for n in ast.walk(node) if isinstance(n, ast.Constant)}


def _literal_states(node):
    """Give the texts that a node compares with a state, looks up by one, or writes as one."""
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        if any(_is_state(side) for side in sides):
            return set().union(*(_strings(side) for side in sides if not _is_state(side)))
    if isinstance(node, ast.Call):
        function = node.func
        found = [_strings(key.value) for key in node.keywords if key.arg == "state"]
        if isinstance(function, ast.Attribute):
            if function.attr in {"in_", "not_in"} and _is_state(function.value):
                found += [_strings(one) for one in node.args]
            if function.attr == "get" and any(_is_state(one) for one in node.args):
                found.append(_strings(function.value))
        return set().union(*found)
    if isinstance(node, ast.Constant) and re.search(r"\bstate (=|IN|<>|!=) ", str(node.value)):
        return set(re.findall(r"'(\w+)'", str(node.value)))  # SQL as text
    return set()


def test_a_state_is_compared_with_members_of_its_enum_only():
    states = {state.value for state in _all_states()}
    exceptions = {
        "trustsvc/doctor/sender_dns.py",  # the state of a DNS record, not of a row
        "trustsvc/cli/dkim.py",  # the same
    }

    found = [
        f"{place}:{node.lineno} {sorted(literal)}"
        for place, node in nodes(ast.Compare | ast.Call | ast.Constant)
        if place not in exceptions and (literal := _literal_states(node) & states)
    ]

    assert found == []


def _all_states():
    for path in trees():
        if path.endswith("/state.py"):
            module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
            for value in vars(module).values():
                if isinstance(value, StateMachine):
                    yield from value.states


def test_public_functions_neither_take_nor_give_any():
    """No row crosses packages untyped; hooks have their libraries' types, and JSON is `object`."""
    inner = {one for _, outer in nodes(ast.FunctionDef) for one in ast.walk(outer) if one != outer}
    found = []
    for place, function in nodes(ast.FunctionDef):
        if function.name.startswith("_") or function in inner:
            continue
        arguments = function.args
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every = [*named, arguments.vararg, arguments.kwarg]
        typed = [one.annotation for one in every if one and one.annotation]
        found += [
            f"{place}:{function.lineno} {function.name}: {ast.unparse(one)}"
            for one in [*typed, *([function.returns] if function.returns else [])]
            if _is_any(one)
        ]

    assert found == []


def test_public_fields_and_constants_hold_no_any():
    """Those of classes that other modules can read, and what they can take out of a module."""
    found = []
    for place, tree in trees().items():
        public = [one for one in tree.body if isinstance(one, ast.ClassDef)]
        bodies = [tree.body, *(one.body for one in public if not one.name.startswith("_"))]
        found += [
            f"{place}:{one.lineno} {ast.unparse(one.target)}: {ast.unparse(one.annotation)}"
            for body in bodies
            for one in body
            if isinstance(one, ast.AnnAssign) and not ast.unparse(one.target).startswith("_")
            if _is_any(one.annotation)
        ]

    assert found == []


def _is_any(annotation):
    """Whether it is or holds a value of any type; a column or a statement of any type is none."""
    generic = r"(Select|Column|ColumnElement|Result|TypeEngine)\[Any\]|Callable\[\.\.\., Any\]"
    return re.search(r"\bAny\b", re.sub(generic, "", ast.unparse(annotation))) is not None


def test_no_public_alias_hides_any():
    exceptions = {
        "trustsvc/privacy/documents/data_inventory.py InfoColumn",  # a column of any type
        "trustsvc/privacy/breach.py ColumnTest",  # the same
    }
    found = {
        f"{place} {name}"
        for place, tree in trees().items()
        for node in tree.body
        if isinstance(node, ast.Assign) and re.search(r"\bAny\b", ast.unparse(node.value))
        for name in _public_names(node)
    }

    assert found == exceptions
