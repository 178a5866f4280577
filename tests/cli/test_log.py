import json
import os
from datetime import timedelta

from click.testing import CliRunner

from trustsvc import cli, clock
from trustsvc.privacy import receipts
from trustsvc.server_log import security_counters
from trustsvc.storage import db

NAME = "access-%Y-%m-%dT%H.log"


def _files(installation):
    """Lay down one file due, one of this hour and a strange one; gives their paths."""
    folder = installation.data / "log"
    folder.mkdir(exist_ok=True)
    now = clock.now()
    old = folder / (now - timedelta(days=91)).strftime(NAME)
    new = folder / now.strftime(NAME)
    strange = folder / "no\x1b[31mtes"
    for path in (old, new, strange):
        path.write_text("line\n")
    os.utime(strange, (now.timestamp(),) * 2)
    return old, new, strange


def _run(*words):
    return CliRunner().invoke(cli.main, ["log", "purge", *words])


def test_a_dry_run_says_what_would_go_and_when_the_rest_goes_and_deletes_nothing(installation):
    old, new, strange = _files(installation)

    output = _run("--dry-run").stdout

    assert f"goes now  {old.name}" in output
    goes = clock.now() + timedelta(days=89, hours=23)
    assert f"goes {goes:%Y-%m-%dT%H}:00Z  {new.name}" in output
    assert "states no hour" in output
    assert "\x1b" not in output
    assert "1 would be deleted, 2 kept" in output
    assert old.exists()
    assert new.exists()
    assert strange.exists()


def test_a_purge_deletes_what_is_due_signs_for_it_and_reports_strange_names(installation):
    old, new, _ = _files(installation)

    output = _run().stdout

    assert f"deleted  {old.name}" in output
    assert "states no hour" in output
    assert "1 deleted, 2 kept" in output
    assert (old.exists(), new.exists()) == (False, True)
    assert "0 deleted, 2 kept" in _run().stdout
    with db.reading() as session:
        ((receipt, _, _),) = receipts.chain(session)
        assert receipts.verify(session)
    assert (receipt.what, receipt.number) == ("server_log", 1)


def test_a_dry_run_says_how_much_goes_tonight(installation):
    folder = installation.data / "log"
    folder.mkdir()
    tonight = clock.now() - timedelta(days=89, hours=12)
    (folder / tonight.strftime(NAME)).write_text("line\n")

    assert "1 more go within a day" in _run("--dry-run").stdout


def _seen():
    security_counters.reset()
    moments = (clock.now() - timedelta(days=3), clock.now())
    for at, what in zip(moments, ("replayed_id", "bad_signature"), strict=True):
        security_counters.count(at, what, "signature", "203.0.113.7")
        security_counters.write()


def _list(*words):
    return CliRunner().invoke(cli.main, ["log", "security", *words])


def test_security_entries_are_listed_newest_first_as_lines_or_json(installation):
    _seen()
    long_ago = f"{clock.now() - timedelta(days=9):%Y-%m-%dT%H:%M}"

    assert "1 entries; an entry goes after 90 days" in _list().stdout
    kinds = [entry["kind"] for entry in json.loads(_list("--since", long_ago, "--json").stdout)]
    assert kinds == ["bad_signature", "replayed_id"]
    chosen = ("--since", long_ago, "--kind", "replayed_id", "--json")
    (entry,) = json.loads(_list(*chosen).stdout)
    assert set(entry) == {"id", "minute", "kind", "access", "address", "count"}
    assert (entry["address"], entry["count"]) == ("203.0.113.7", 1)
    assert "203.0.113.7" in _list("--since", long_ago).stdout


def test_a_kind_or_a_moment_that_makes_no_sense_is_refused(installation):
    assert _list("--kind", "nonsense").exit_code == 2
    assert _list("--since", "yesterday").exit_code == 2


def test_an_installation_without_a_log_has_nothing_to_delete(installation):
    done = _run()

    assert done.exit_code == 0
    assert "0 deleted, 0 kept" in done.stdout
