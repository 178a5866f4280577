"""Keys are rotated and a backup is made while orders come in; then the machine is lost."""

import re
import shutil
import threading

import pytest
import requests

from tests import command_server, servers
from tests.processes.test_service import emails, place_order, sending_day, text_of, woo_order
from tests.waiting import PATIENCE_S
from trustsvc.crypto import keyring

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.processes,
    pytest.mark.slow,
]


def command(environ, *words):
    done = command_server.run(words, environ)
    return done.returncode, done.stdout + done.stderr


def link(message, path):
    return re.search(rf"^(http\S+/{path}/\S+)$", text_of(message), re.MULTILINE)[1]


def test_keys_and_backup_while_it_runs_and_a_restore_on_another_machine(
    service, tmp_path, database, request
):
    shop = service.enrol("woocommerce")
    assert place_order(shop, woo_order()).status_code == 202
    sending_day(service)
    (message,) = emails(service)
    answers, ended = [], threading.Event()

    def post():
        while not ended.wait(0.1):
            body = woo_order()
            answers.append(place_order(shop, body).status_code)
            answers.append(requests.get(link(message, "r"), timeout=PATIENCE_S).status_code)

    poster = threading.Thread(target=post)
    poster.start()
    try:
        for kind in keyring.KINDS:
            service.command("keys", "rotate", kind)
        service.command("keys", "re-encrypt")
        service.command("backup", str(tmp_path / "installation.backup"))
    finally:
        ended.set()
        poster.join()
    assert set(answers) <= {200, 202}
    assert "FAIL" not in service.command("doctor")
    assert requests.post(link(message, "u"), timeout=PATIENCE_S).ok
    code, output = command(service.environ, "restore", tmp_path / "installation.backup")
    assert code == 1, output

    there = tmp_path / "there"
    there.mkdir()
    for folder in ("keys", "suppressions"):
        shutil.copytree(service.data / folder, there / folder)
    environ = service.environ | {"TRUSTSVC_DATA": str(there)}
    drop = None
    if database == "postgresql":
        url, drop = servers.empty_database(request.getfixturevalue("postgres"))
        environ["TRUSTSVC_DATABASE_URL"] = url
    code, output = command(environ, "restore", tmp_path / "installation.backup")
    if drop:
        drop()

    assert code == 0, output
    assert "1 opt-outs and other requests since the backup were applied" in output
    assert "NO INVITATION LEAVES" not in output
    assert (there / "public" / "badge" / "v1" / f"{shop['shop']}.svg").is_file()
