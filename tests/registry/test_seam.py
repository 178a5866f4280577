"""The one question to the registry: somebody else may answer it, and of asking nothing is left."""

import ast
import base64
from pathlib import Path

import pytest

from tests.invitations.sample_orders import NOON, invitation_of, invited, message_of, sent, shop
from trustsvc import log
from trustsvc.crypto import pseudonyms
from trustsvc.registry import check, registration
from trustsvc.registry.check import RegistryStatus
from trustsvc.server_log.writer import flush
from trustsvc.storage import db, vacuum
from trustsvc.work_queue import job_queue

ROOT = Path(__file__).parents[2]
JAN, PIET = "jan@mail.example", "piet@mail.example"


class Remote:
    """A registry in another installation: given only pseudonyms, it answers as the local one."""

    def __init__(self, *registered):
        self.known = {pseudonyms.registry_pseudonym(address) for address in registered}
        self.asked = []

    def knows(self, pseudonym):
        self.asked.append(pseudonym)
        return pseudonym in self.known

    def statuses(self, session, questions):
        wanted = [pseudonyms.registry_pseudonym(question.email) for question in questions]
        return [
            RegistryStatus(registered=self.knows(pseudonym), opted_out=False)
            for pseudonym in wanted
        ]


def test_another_registry_can_answer_in_its_place(installation, monkeypatch):
    remote = Remote(JAN)
    monkeypatch.setattr(check, "statuses", remote.statuses)
    where = shop("registered")

    jan, piet = (invited(where, email=address) for address in (JAN, PIET))
    remote.known.clear()
    post = sent()

    assert (invitation_of(jan).state, invitation_of(piet)) == ("withdrawn", None)
    assert (message_of(jan).reason, post.messages) == ("no_basis_registered", [])
    assert {len(pseudonym) for pseudonym in remote.asked} == {18}


def test_nobody_but_the_registry_and_the_housekeeping_looks_into_its_tables():
    lookers = set()
    for path in [*(ROOT / "trustsvc").rglob("*.py"), *(ROOT / "jobs").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "trustsvc.registry.models":
                lookers.add(path.relative_to(ROOT / "trustsvc").parts[0])

    assert lookers <= {"registry", "backup", "privacy"}


def spellings(pseudonym):
    """How sixteen bytes might lie about: raw, in hex as PostgreSQL and logs write it, in base64."""
    inner = pseudonym[2:]
    coded = [base64.b64encode(inner[cut:]).rstrip(b"=")[:16] for cut in range(3)]
    return [inner, inner.hex().encode(), inner.hex().upper().encode(), *coded]


def bytes_of(folder):
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def bytes_of_redis():
    """Everything a Redis holds, and the files it keeps it in."""
    link = job_queue.connection()
    link.save()
    found = [link.dump(key) or b"" for key in link.scan_iter()]
    folder = Path(link.config_get("dir")["dir"])
    return b"".join(found) + bytes_of(folder)


def settled_bytes(installation, database, request):
    """All bytes of the database once what is over is written to its files and cleaned up."""
    if database == "sqlite":
        before = bytes_of(installation.data)  # with the write-ahead log as it is
        vacuum.scrub()
        return before + bytes_of(installation.data)
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("CHECKPOINT")
        connection.exec_driver_sql("VACUUM")
        connection.exec_driver_sql("CHECKPOINT")
    return bytes_of(Path(request.getfixturevalue("postgres")) / "data") + bytes_of(
        installation.data
    )


@pytest.mark.slow
def test_after_a_full_run_nothing_of_an_unregistered_buyer_s_pseudonym_is_anywhere(
    installation, database, client, request, capfd
):
    log.configure()
    with db.transaction() as session:
        registration.register(session, JAN, "v1", "page", NOON)
    where = shop("registered")
    jan, piet = (invited(where, email=address) for address in (JAN, PIET))
    assert (invitation_of(jan).state, invitation_of(piet)) == ("open", None)
    assert len(sent().messages) == 1
    client.get(f"/s/{where.slug}")
    job_queue.enqueue_now("check_orders")
    flush()

    output = capfd.readouterr()
    everything = settled_bytes(installation, database, request) + bytes_of_redis()
    everything += (output.out + output.err).encode()

    found = {
        address: [
            spelling
            for pseudonym in pseudonyms.registry_pseudonyms(address)
            for spelling in spellings(pseudonym)
            if spelling in everything
        ]
        for address in (JAN, PIET)
    }
    assert found[JAN] == [pseudonyms.registry_pseudonym(JAN)[2:]]  # who registered is known, raw
    assert found[PIET] == []
    if (
        database == "sqlite"
    ):  # the shop's own pseudonym went with the buyer, log and freed pages too
        assert pseudonyms.shop_pseudonym(where.id, PIET)[2:] not in bytes_of(installation.data)
