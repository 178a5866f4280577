import gzip
import os
import resource
import signal
import sys
import threading
from contextlib import contextmanager
from datetime import timedelta

import brotli
import pytest

from trustsvc import clock
from trustsvc.badge import public_files

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # none is asked
NAME = "badge/v1/acme.json"


def read(name=NAME):
    path = public_files.folder() / name
    packed = [path.with_name(path.name + end).read_bytes() for end in (".br", ".gz")]
    return path.read_bytes(), brotli.decompress(packed[0]), gzip.decompress(packed[1])


def test_a_file_has_its_compressed_twins_beside_it_and_is_written_once(installation):
    written = [public_files.write(NAME, body) for body in (b"one", b"one", b"two")]

    assert written == [True, False, True]
    assert read() == (b"two",) * 3
    assert len(list((public_files.folder() / "badge/v1").iterdir())) == 3


def test_a_lost_twin_is_written_again(installation):
    public_files.write(NAME, b"one")
    (public_files.folder() / f"{NAME}.gz").unlink()

    assert public_files.write(NAME, b"one")
    assert read() == (b"one",) * 3


def test_another_user_s_web_server_may_read_them_whatever_the_umask(installation):
    before = os.umask(0o077)
    try:
        public_files.write("badge/v1/acme/feed.atom", b"one")
    finally:
        os.umask(before)

    found = list(public_files.folder().rglob("*"))
    assert {path.stat().st_mode & 0o777 for path in found if path.is_file()} == {0o644}
    folders = {public_files.folder(), *(path for path in found if path.is_dir())}
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o755}


def test_two_that_write_at_once_leave_one_s_files_and_no_mixture(installation):
    bodies = [bytes([65 + number]) * 50_000 for number in range(6)]
    for _ in range(5):
        writing = [
            threading.Thread(target=public_files.write, args=(NAME, body)) for body in bodies
        ]
        for one in writing:
            one.start()
        for one in writing:
            one.join()

        plain, *twins = read()
        assert plain in bodies
        assert twins == [plain, plain]


def put_by_one_who_is_killed_before(step, body):
    """Write in a process that ends by SIGKILL before its nth change of a name; says if it was."""
    child = os.fork()
    if not child:
        left = iter(range(step, -1, -1))
        changes = {"os.rename", "os.remove"}

        def watch(event, _):
            if event in changes and not next(left):
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(watch)
        public_files.write(NAME, body)
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_a_writer_killed_at_any_step_leaves_no_twin_of_words_that_were_taken_back(installation):
    public_files.write(NAME, b"one")
    step = 0
    while put_by_one_who_is_killed_before(step, b"one and what was taken back"):
        public_files.write(NAME, b"one")
        assert read() == (b"one",) * 3
        step += 1

    assert step >= 5
    assert read() == (b"one and what was taken back",) * 3


@contextmanager
def no_room():
    """Nobody can write a byte, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_on_a_full_disk_old_words_go_and_nothing_half_written_stays(installation):
    public_files.write(NAME, b"one and what was taken back")

    with no_room(), pytest.raises(OSError, match="large"):
        public_files.write(NAME, b"one")

    assert [path.name for path in (public_files.folder() / "badge/v1").iterdir()] == []
    assert public_files.write(NAME, b"one")
    assert read() == (b"one",) * 3


def test_what_a_stopped_writer_left_is_cleared_away_and_one_at_work_is_left_alone(installation):
    public_files.write(NAME, b"one")
    old = public_files.folder() / "badge/v1/.acme.json.00ff"
    new = public_files.folder() / "badge/v1/.acme.json.11ff"
    for path in (old, new):
        path.write_bytes(b"Ada L., Delft")
    os.utime(old, times=((clock.now() - timedelta(hours=1)).timestamp(),) * 2)

    public_files.remove_leftovers(clock.now())

    assert (old.exists(), new.exists(), read()) == (False, True, (b"one",) * 3)


def test_a_shop_is_removed_and_not_its_neighbour_whose_name_begins_alike(installation):
    for name in ("acme.json", "acme/feed.atom", "acme-2.json", "acme-2/feed.atom"):
        public_files.write(f"badge/v1/{name}", b"one")

    public_files.remove("badge/v1", {"acme"})

    assert public_files.shop_slugs("badge/v1") == {"acme-2"}
    assert public_files.shop_slugs("nothing/here") == set()
