import os
from datetime import timedelta

from click.testing import CliRunner

from trustsvc import cli, clock, db
from trustsvc.privacy import receipts

NAME = "access-%Y-%m-%dT%H.log"


def _files(house):
    """Lay down one file due, one of this hour and a strange one; gives their paths."""
    folder = house.data / "log"
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


def test_a_dry_run_says_what_would_go_and_when_the_rest_goes_and_deletes_nothing(house):
    old, new, strange = _files(house)

    said = _run("--dry-run").stdout

    assert f"goes now  {old.name}" in said
    goes = clock.now() + timedelta(days=89, hours=23)
    assert f"goes {goes:%Y-%m-%dT%H}:00Z  {new.name}" in said
    assert "says no hour" in said
    assert "\x1b" not in said
    assert "1 would be deleted, 2 kept" in said
    assert old.exists()
    assert new.exists()
    assert strange.exists()


def test_a_purge_deletes_what_is_due_signs_for_it_and_reports_strange_names(house):
    old, new, _ = _files(house)

    said = _run().stdout

    assert f"deleted  {old.name}" in said
    assert "says no hour" in said
    assert "1 deleted, 2 kept" in said
    assert (old.exists(), new.exists()) == (False, True)
    assert "0 deleted, 2 kept" in _run().stdout
    with db.reading() as session:
        ((receipt, _, _),) = receipts.everything(session)
        assert receipts.verify(session)
    assert (receipt.what, receipt.number) == ("server log", 1)


def test_a_house_without_a_log_has_nothing_to_delete(house):
    done = _run()

    assert done.exit_code == 0
    assert "0 deleted, 0 kept" in done.stdout
