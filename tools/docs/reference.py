"""Writes the reference pages that are made from the code: `python -m tools.docs.reference`."""

import ast
import importlib
import inspect
import pkgutil
import re
import sys
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Collection
from enum import StrEnum
from pathlib import Path

import click

import jobs
import trustsvc
from trustsvc import cli, config, errors
from trustsvc.http import access
from trustsvc.orders.platforms import PLATFORMS, standard_schema
from trustsvc.privacy.retention.rules import RULES
from trustsvc.storage.columns import metadata
from trustsvc.storage.state_machine import StateMachine

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "reference" / "generated"
NOTICE = "<!-- Made by `make docs` from the code: edit the code, not this page. -->\n\n"
STATIC = "Serve a style sheet, a script or a picture of our own pages."
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}


def cell(text: str) -> str:
    """Put a text into one cell of a Markdown table."""
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;")


def first_paragraph(text: str | None) -> str:
    return cell((text or "").strip().partition("\n\n")[0])


def table(header: list[str], rows: list[list[str]]) -> str:
    """Make a Markdown table; raises SystemExit for an empty cell, which tells a reader nothing."""
    for row in rows:
        if not all(text.strip() for text in row):
            raise SystemExit(f"an empty cell below {header}: {row}")
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def explanations(file: str, of: Collection[str]) -> dict[str, dict[str, str]]:
    """Read what a file beside this one says; raises SystemExit unless it is of exactly these."""
    texts: dict[str, dict[str, str]] = tomllib.loads((Path(__file__).parent / file).read_text())
    if differing := texts.keys() ^ set(of):
        raise SystemExit(f"tools/docs/{file}: {sorted(differing)}")
    return texts


def settings() -> str:
    texts = explanations("settings.toml", config.DEFAULTS)
    rows = []
    for name, default in config.DEFAULTS.items():
        described = texts[name].get("default", "")
        shown = f"`{default}`" if default else described or "none"
        rows.append([f"`TRUSTSVC_{name}`", shown, texts[name]["text"]])
    return (
        "# Settings\n\nSettings come from the environment. Each can also be given as "
        "`TRUSTSVC_…_FILE`: the name of a file that holds the value, for secrets. "
        "An unknown `TRUSTSVC_*` variable is an error.\n\n"
        + table(["setting", "default", "meaning"], rows)
    )


def _commands(command: click.Command, path: str) -> list[str]:
    context = click.Context(command, info_name=path)
    if isinstance(command, click.Group):
        parts = [] if path == "trustsvc" else [f"## {path}\n\n{_help(command)}\n"]
        for name in command.list_commands(context):
            subcommand = command.get_command(context, name)
            if subcommand and not subcommand.hidden:
                parts += _commands(subcommand, f"{path} {name}")
        return parts
    depth = "##" if path.count(" ") == 1 else "###"
    rows = [
        [f"`{cell(' / '.join([*option.opts, *option.secondary_opts]))}`", cell(option.help or "")]
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden
    ]
    usage = " ".join(part for part in command.collect_usage_pieces(context) if part)
    options = "\n" + table(["option", "meaning"], rows) if rows else ""
    return [f"{depth} {path}\n\n```\n{path} {usage}\n```\n\n{_help(command)}\n{options}"]


def _help(command: click.Command) -> str:
    text = (command.help or "").replace("\b\n", "").strip()
    return "\n\n".join(
        cell(paragraph).replace("\\|", "|") for paragraph in text.partition("\f")[0].split("\n\n")
    )


def command_line() -> str:
    intro = (
        "# Command line\n\nThe tutorial and *Run it on a server* say how the command `trustsvc` is "
        "installed. It needs the same settings as the service. Addresses of people are read from "
        "standard input or a prompt, never from arguments, which other users of the machine can "
        "see.\n\n"
    )
    return intro + "\n".join(_commands(cli.main, "trustsvc"))


def http_routes() -> str:
    from trustsvc.app import create_app

    app = create_app()
    rows = []
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint)):
        view = app.view_functions[rule.endpoint]
        passes = access.requirement(view) or "public"
        methods = ", ".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        path = re.sub(
            r"<any\((.*?)\):\w+>", lambda match: "{" + match[1].replace("'", "") + "}", rule.rule
        )
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"<\1>", path)
        purpose = STATIC if rule.endpoint == "static" else first_paragraph(view.__doc__)
        rows.append([methods, f"`{path}`", passes, purpose])
    return (
        "# HTTP routes\n\nEach route says who may pass (`trustsvc/http/access.py`); one without "
        "an access requirement keeps the application from starting.\n\n"
        "* **public**: nothing personal\n"
        "* **signature**: the view checks the sender's signature itself\n"
        "* **link**: the path holds a signed token; never cached, indexed or sent as referrer\n"
        "* **sign_in**: the pages through which staff sign in\n"
        "* **staff**: staff who are signed in\n\n"
        + table(["method", "path", "who may pass", "purpose"], rows)
    )


def error_answers() -> str:
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.TrustsvcError)
    ]
    rows = [
        [str(kind.status), f"`{kind.__name__}`", cell(kind.title), first_paragraph(kind.__doc__)]
        for kind in sorted(kinds, key=lambda kind: (kind.status, kind.__name__))
    ]
    return (
        "# Error answers\n\nPrograms get `application/problem+json` (RFC 9457), people get a page. "
        "No answer repeats input.\n\n"
        + table(["status", "error", "title", "meaning"], rows)
        + "\nPlatforms with a webhook parser: `"
        + "`, `".join(sorted(PLATFORMS))
        + "`.\n"
    )


def _logger_calls(tree: ast.AST) -> list[tuple[str, str]]:
    calls = []
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        owner = node.func.value
        name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
        if (
            node.func.attr not in LEVELS
            or name.strip("_") not in {"logger", "log"}
            or not node.args
        ):
            continue
        first = node.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            fields = [key.arg for key in node.keywords if key.arg]
            calls.append((first.value, node.func.attr, ", ".join(sorted(fields))))
    return calls


def log_events() -> str:
    events: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for package in (trustsvc, jobs):
        root = Path(package.__path__[0])
        for path in sorted(root.rglob("*.py")):
            module = path.relative_to(root.parent).with_suffix("").as_posix()
            for event, level, fields in _logger_calls(ast.parse(path.read_text())):
                events[event].add((level, fields, module.removesuffix("/__init__")))
    texts = explanations("log_events.toml", events)
    rows = [
        [
            f"`{cell(event)}`",
            level,
            cell(texts[event]["means"]),
            cell(texts[event]["do"]),
            f"`{fields}`" if fields else "none",
            f"`{module}.py`",
        ]
        for event in sorted(events)
        for level, fields, module in sorted(events[event])
    ]
    return (
        "# Log events\n\nThe application writes one JSON object a line to standard error. `event` "
        "is a code, `level` its severity; fields hold ids, counts and codes, never names, "
        "addresses, order numbers or tokens. The server log of requests is something else: see "
        "[The server log](../server-log.md).\n\n"
        + table(["event", "level", "meaning", "what to do", "fields", "written by"], rows)
    )


def _import_all() -> None:
    for package in (trustsvc, jobs):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if (
                not module.name.endswith((".__main__", ".env", ".wsgi"))
                and ".versions" not in module.name
            ):
                importlib.import_module(module.name)


def tables() -> str:
    intro = (
        "# Tables and retention\n\nEach stored column says why it is there, which retention rule "
        "ends it and what kind of data it holds. The record of processing and the notice are made "
        "from the same tags; a column without them fails the tests. "
        "*encrypted* columns are encrypted with a key outside the database.\n\n"
        "## Retention rules\n\n"
    )
    parts = [
        intro,
        table(
            ["rule", "what", "days", "from when", "why"],
            [
                [
                    f"`{rule.code}`",
                    cell(rule.what),
                    str(rule.days) if rule.days is not None else "until the event",
                    cell(rule.since),
                    cell(rule.why),
                ]
                for rule in RULES.values()
            ],
        ),
    ]
    for one in sorted(metadata.tables.values(), key=lambda one: one.name):
        rows = [
            [
                f"`{column.name}`",
                column.info["category"]
                + (" (encrypted)" if "Encrypted" in type(column.type).__name__ else ""),
                f"`{column.info['retention']}`",
                cell(column.info["purpose"]),
            ]
            for column in one.columns
        ]
        parts.append(
            f"\n## {one.name}\n\n" + table(["column", "holds", "retention", "purpose"], rows)
        )
    return "".join(parts)


def machines() -> list[StateMachine]:
    by_name = {}
    for package in (trustsvc, jobs):
        for name in [n for n in list(sys.modules) if n.startswith(package.__name__ + ".")]:
            for value in vars(importlib.import_module(name)).values():
                if isinstance(value, StateMachine):
                    by_name[value.name] = value
    return [by_name[name] for name in sorted(by_name)]


def meanings(kind: type[StrEnum]) -> list[tuple[str, str]]:
    """Give each state with the comment beside it; raises SystemExit for one without."""
    source = inspect.getsource(kind)
    comments = dict(re.findall(r'^ +\w+ = "(\w+)"  # (.+)$', source, re.MULTILINE))
    if bare := [state for state in kind if state not in comments]:
        raise SystemExit(f"{kind.__module__}: no comment says what these mean: {bare}")
    return [(state.value, comments[state]) for state in kind]


def states() -> str:
    intro = (
        "# States\n\nEach diagram is drawn from the transition table in the code; the CHECK "
        "constraint of the column comes from the same table, and a transition that is not in it "
        "raises an error.\n"
    )
    parts = [intro]
    for machine in machines():
        kind = type(next(iter(machine.transitions)))
        doc = "" if not kind.__doc__ else first_paragraph(kind.__doc__) + "\n\n"
        rows = [[f"`{state}`", cell(meaning)] for state, meaning in meanings(kind)]
        parts.append(
            f"\n## {machine.name}\n\n{doc}"
            + table(["state", "meaning"], rows)
            + f"\n```mermaid\n{machine.diagram()}```\n"
        )
    return "".join(parts)


def pages() -> dict[str, str]:
    """Make every generated page: file name to content."""
    _import_all()
    made = {
        "settings": settings(),
        "command-line": command_line(),
        "http": http_routes(),
        "errors": error_answers(),
        "log-events": log_events(),
        "tables": tables(),
        "states": states(),
    }
    written = {f"{name}.md": NOTICE + text.rstrip() + "\n" for name, text in made.items()}
    return written | {"order-1.json": standard_schema.as_json()}


def main() -> None:
    """Write the pages into docs/reference/generated, or into the folder that is named."""
    folder = Path(sys.argv[1]) if sys.argv[1:] else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data:  # nothing is written there: settings need a folder
        config.use(config.load({"TRUSTSVC_DATA": data}))
        for name, text in pages().items():
            (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
