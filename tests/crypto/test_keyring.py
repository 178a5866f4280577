import os
import stat
import subprocess
import sys

import pytest

from tests.key_rotation import add_key
from tests.waiting import PATIENCE_S
from trustsvc import config
from trustsvc.crypto import keyring
from trustsvc.errors import Misconfigured


@pytest.fixture
def place(tmp_path):
    config.use(config.load({"TRUSTSVC_DATA": str(tmp_path / "data")}))
    yield config.current()
    config.use(None)


def test_each_kind_is_made_on_first_use_for_the_owner_alone(place):
    keyring.make_all()

    folder = place.data / "keys"
    assert sorted(path.name for path in folder.iterdir()) == sorted(keyring.KINDS)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {len(keyring.newest_key(kind).secret) for kind in keyring.KINDS} == {32}
    assert len({keyring.newest_key(kind).secret for kind in keyring.KINDS}) == len(keyring.KINDS)


def test_asking_again_gives_the_same(place):
    assert keyring.keys("link") == keyring.keys("link")
    assert keyring.keys("link")[0] == keyring.newest_key("link")


def test_a_new_line_is_a_new_key_without_a_restart(place):
    first = keyring.newest_key("link")
    add_key(place, "link")

    assert keyring.keys("link")[0] == first
    assert keyring.newest_key("link").version == 2


def test_a_key_of_another_process_is_used_at_once_and_a_retired_one_is_gone(place):
    keyring.keys("link")
    in_another_process(place, "keyring.rotate('link')")
    assert [key.version for key in keyring.keys("link")] == [1, 2]

    in_another_process(place, "keyring.retire('link', 1)")
    assert [key.version for key in keyring.keys("link")] == [2]


def in_another_process(place, statement):
    command = [sys.executable, "-c", f"from trustsvc.crypto import keyring; {statement}"]
    subprocess.run(command, check=True, env={"TRUSTSVC_DATA": str(place.data), "PATH": os.defpath})


def test_a_file_that_did_not_change_is_not_read_again(place, monkeypatch):
    keyring.keys("link")
    reads = []
    monkeypatch.setattr(keyring, "_parse", reads.append)

    for _ in range(100):
        keyring.keys("link")

    assert reads == []


def test_processes_that_start_at_once_end_with_the_same_key(place):
    ask = "from trustsvc.crypto import keyring; print(keyring.newest_key('registry').secret.hex())"
    environ = {"TRUSTSVC_DATA": str(place.data), "PATH": "/usr/bin:/bin"}
    started = [
        subprocess.Popen([sys.executable, "-c", ask], stdout=subprocess.PIPE, env=environ)
        for _ in range(4)
    ]

    (secret,) = {process.communicate(timeout=PATIENCE_S)[0] for process in started}
    assert len(secret.strip()) == 64


def test_a_key_others_can_read_is_refused(place):
    path = place.data / "keys" / "link"
    keyring.keys("link")
    add_key(place, "link")
    path.chmod(0o644)

    with pytest.raises(Misconfigured, match="chmod 600"):
        keyring.keys("link")


@pytest.mark.parametrize("damage", ["x y\n", "1\n", "1 ====x\n", "1 é\n"])
def test_a_damaged_file_is_reported_and_not_repeated(place, damage):
    path = place.data / "keys" / "link"
    keyring.keys("link")
    add_key(place, "link")
    path.write_text(damage, encoding="utf-8")

    with pytest.raises(Misconfigured, match="damaged") as problem:
        keyring.keys("link")
    assert damage.strip() not in str(problem.value)


def test_a_key_does_not_show_its_secret(place):
    assert repr(keyring.newest_key("link")) == "Key(version=1)"
