import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.waiting import PATIENCE_S
from trustsvc import clock, config
from trustsvc.server_log import writer

AT = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path):
    settings = config.load(
        {"TRUSTSVC_DATA": str(tmp_path), "TRUSTSVC_TRUSTED_PROXIES": "127.0.0.1"}
    )
    config.use(settings)
    yield settings
    config.use(None)


def _ask(app, path="/s/shop", **environ):
    plain = {"REMOTE_ADDR": "203.0.113.7", "REQUEST_METHOD": "GET", "PATH_INFO": path}
    body = app(plain | environ, lambda *_: lambda _: None)
    sent = b"".join(body)
    getattr(body, "close", lambda: None)()
    return sent


def _hello(environ, start_response):
    start_response("200 OK", [])
    return iter([b"hel", b"lo"])


def _lines(settings):
    writer.flush()
    return [
        line.split(" ")
        for path in sorted((settings.data / "log").glob("*"))
        for line in path.read_text().splitlines()
    ]


def test_a_request_to_the_service_is_one_line_in_the_file_of_its_hour(installation, client):
    with clock.at(AT):
        client.get(
            "/livez?mail=a@b.example",
            headers={"Referer": "https://shop.example/x?mail=a@b.example"},
            buffered=True,
        )
        client.get(
            "/r/c2l4dGVlbiBieXRlcyEhIQ.Xk3v9Qq1PZr8t0mB5nL2cW7yU4sE6aH1gJ9dF3kR8oM", buffered=True
        )

    lines = _lines(installation)

    assert [path.name for path in (installation.data / "log").iterdir()] == [
        "access-2026-11-21T10.log"
    ]
    assert [line[1:4] for line in lines] == [
        ["127.0.0.1", "GET", "/livez"],
        ["127.0.0.1", "GET", "/r/…"],
    ]
    assert lines[0][0].startswith("2026-11-21T10:30:0")
    assert lines[0][4:] == ["200", str(len(client.get("/livez").data)), "https://shop.example"]
    assert lines[1][6] == "-"
    assert "b.example" not in (installation.data / "log" / "access-2026-11-21T10.log").read_text()


def test_the_log_belongs_to_its_owner_alone(settings):
    _ask(writer.ServerLog(_hello))
    writer.flush()

    (path,) = (settings.data / "log").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_line_is_written_by_itself(settings):
    _ask(writer.ServerLog(_hello))

    end = time.monotonic() + PATIENCE_S
    while not list(settings.data.glob("log/*")) and time.monotonic() < end:
        time.sleep(0.01)

    (path,) = settings.data.glob("log/*")
    assert path.read_text().count("\n") == 1


def test_the_bytes_that_were_sent_are_counted_however_they_are_sent(settings):
    def as_list(environ, start_response):
        start_response("200 OK", [])
        return [b"four", b"five5"]

    def by_write(environ, start_response):
        start_response("201 Created", [])(b"abc")
        return [b"d"]

    def left_early(environ, start_response):
        start_response("200 OK", [])
        return iter([b"x" * 1000] * 1000)

    _ask(writer.ServerLog(_hello))
    _ask(writer.ServerLog(as_list))
    _ask(writer.ServerLog(by_write))
    cut = writer.ServerLog(left_early)({"PATH_INFO": "/"}, lambda *_: None)
    next(iter(cut))
    cut.close()
    cut.close()

    assert [line[4:6] for line in _lines(settings)] == [
        ["200", "5"],
        ["200", "9"],
        ["201", "4"],
        ["200", "1000"],
    ]


def test_a_request_that_breaks_the_app_is_in_the_log_too(settings):
    def broken(environ, start_response):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        _ask(writer.ServerLog(broken))

    assert [line[4:6] for line in _lines(settings)] == [["500", "0"]]


def test_the_address_is_taken_from_a_trusted_proxy_only(settings):
    app = writer.ServerLog(_hello)

    _ask(app, REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR="6.6.6.6, 198.51.100.1")
    _ask(app, REMOTE_ADDR="203.0.113.7", HTTP_X_FORWARDED_FOR="6.6.6.6")

    assert [line[1] for line in _lines(settings)] == ["198.51.100.1", "203.0.113.7"]


def test_the_writer_goes_on_when_the_file_or_the_folder_vanishes(settings):
    app = writer.ServerLog(_hello)
    _ask(app)
    writer.flush()
    next((settings.data / "log").iterdir()).unlink()
    _ask(app)
    assert len(_lines(settings)) == 1

    shutil.rmtree(settings.data / "log")
    _ask(app)
    assert len(_lines(settings)) == 1


def test_a_disk_that_takes_nothing_costs_lines_and_no_request(settings):
    (settings.data / "log").write_text("a file where the folder should be")

    assert _ask(writer.ServerLog(_hello)) == b"hello"
    writer.flush()

    (settings.data / "log").unlink()
    _ask(writer.ServerLog(_hello))
    assert len(_lines(settings)) == 1


def test_a_line_torn_by_a_full_disk_does_not_swallow_the_next(settings, monkeypatch):
    app = writer.ServerLog(_hello)
    really = os.write
    monkeypatch.setattr(writer.os, "write", _disk_with_room_for(10, really))
    _ask(app)
    writer.flush()
    monkeypatch.setattr(writer.os, "write", really)
    _ask(app)

    torn, whole = _lines(settings)

    assert len("".join(torn)) == 10
    assert len(whole) == 7


def _disk_with_room_for(room, really):
    def full(handle, data):
        nonlocal room
        if not room:
            raise OSError(28, "No space left on device")
        done = really(handle, data[:room])
        room -= done
        return done

    return full


def test_lines_that_wait_are_bounded(settings, monkeypatch):
    monkeypatch.setattr(writer, "MAX_PENDING", 3)
    app = writer.ServerLog(_hello)
    with writer._writer.writing:  # a disk that does not answer
        for _ in range(10):
            _ask(app)

    assert len(_lines(settings)) == 3


def test_a_forked_child_writes_its_own_lines_and_not_its_parents(settings):
    app = writer.ServerLog(_hello)
    with writer._writer.writing:
        _ask(app, path="/parent")
        child = os.fork()
        if not child:
            _ask(app, path="/child")
            writer.flush()
            os._exit(0)
        os.waitpid(child, 0)

    assert sorted(line[3] for line in _lines(settings)) == ["/child", "/parent"]


PROCESS = """
import sys
from pathlib import Path
from trustsvc import config
config.use(config.load({"TRUSTSVC_DATA": sys.argv[1]}))
from trustsvc.server_log import writer
app = writer.ServerLog(lambda environ, start: [start("200 OK", [])] and [b"x" * 9])
for turn in range(int(sys.argv[3])):
    app({"PATH_INFO": f"/{sys.argv[2]}/{turn}", "REMOTE_ADDR": "203.0.113.7"}, lambda *_: None)
"""


@pytest.mark.slow
def test_processes_that_share_the_log_append_whole_lines_and_lose_none_at_their_end(settings):
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(settings.data), str(number), "2000"],
            cwd=Path(__file__).parents[2],
        )
        for number in range(3)
    ]
    assert [process.wait(PATIENCE_S) for process in started] == [0, 0, 0]

    lines = _lines(settings)

    assert {len(line) for line in lines} == {7}
    assert {line[3] for line in lines} == {f"/{n}/{turn}" for n in range(3) for turn in range(2000)}


def test_ten_thousand_requests_cost_little(settings):
    app = writer.ServerLog(_hello)
    plain = time.thread_time()
    for _ in range(10_000):
        _ask(_hello)
    logged = time.thread_time()
    for _ in range(10_000):
        _ask(app)
    done = time.thread_time()

    # Measured about 5 us of the request's own thread; the bound only catches a mistake of kind.
    assert (done - logged) - (logged - plain) < 1.0
    assert len(_lines(settings)) == 10_000


def test_nothing_of_it_reaches_standard_output(settings, capfd):
    _ask(writer.ServerLog(_hello))
    writer.flush()

    assert capfd.readouterr() == ("", "")


def test_a_link_in_the_way_is_not_followed(settings, tmp_path):
    outside = tmp_path / "outside"
    folder = settings.data / "log"
    folder.mkdir()
    with clock.at(AT):
        app = writer.ServerLog(_hello)
        (folder / "access-2026-11-21T10.log").symlink_to(outside)
        _ask(app)
        writer.flush()

    assert not outside.exists()
