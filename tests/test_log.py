import contextlib
import json
import logging
from pathlib import Path

from trustsvc import log


def lines(capfd):
    return [json.loads(line) for line in capfd.readouterr().err.splitlines()]


def test_a_line_is_json_with_its_package(capfd):
    log.configure()

    log.get_logger("orders").warning("kept", number=3)

    (line,) = lines(capfd)
    assert (line["package"], line["event"], line["number"], line["level"]) == (
        "orders",
        "kept",
        3,
        "warning",
    )


def test_libraries_log_like_we_do_and_without_what_an_exception_says(capfd):
    log.configure()

    try:
        int("anna@mail.example")
    except ValueError:
        logging.getLogger("some.library").exception("it failed")

    (line,) = lines(capfd)
    assert (line["package"], line["event"], line["error"]) == (
        "some.library",
        "it failed",
        "ValueError",
    )
    assert "anna@mail" not in json.dumps(line)


def test_a_quiet_process_says_only_what_is_wrong(capfd):
    log.configure(logging.WARNING)

    log.get_logger("orders").info("kept")
    log.get_logger("orders").warning("not kept")

    assert [line["event"] for line in lines(capfd)] == ["not kept"]


def test_setting_it_up_twice_says_each_thing_once(capfd):
    log.configure()
    log.configure()

    logging.getLogger("some.library").warning("once")

    assert len(lines(capfd)) == 1


def test_a_line_that_cannot_be_written_is_lost_and_breaks_nothing(monkeypatch):
    log.configure()
    with Path("/dev/full").open("w", buffering=1) as full:
        monkeypatch.setattr("sys.stderr", full)

        log.get_logger("tests").warning("the disk is full")
        logging.getLogger("a library").warning("it says so too")

        monkeypatch.undo()
        with contextlib.suppress(OSError):
            full.close()
