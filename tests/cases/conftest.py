"""Play all cases once for each database, for every test and every worker."""

import fcntl
import json
import os
from functools import cache, partial

import pytest

from tests.cases import history, played


@pytest.fixture(scope="session")
def remembered(tmp_path_factory):
    """Remember what a database made of a folder of cases, for the other workers too."""
    room = tmp_path_factory.getbasetemp()
    return room.parent if "PYTEST_XDIST_WORKER" in os.environ else room


@pytest.fixture
def outcomes(request, database, remembered):
    """Give what became of all cases of a folder: the first test of it plays them."""
    return partial(_outcomes, request, database, remembered)


def _outcomes(request, database, room, folder):
    kept = room / f"cases-{folder.name}-{database}.json"
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            client = request.getfixturevalue("client")
            found = played.play(client, history.cases_in(folder))
            kept.write_text(json.dumps(played.as_json(found)))
    return _read(kept)


@cache
def _read(kept):
    return played.from_json(json.loads(kept.read_text()))
