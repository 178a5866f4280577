import json

import pytest

from tools.drill import verdict
from trustsvc.doctor import fault_drills

SIZE = {"orders": 1000, "kills": 40}
LEAST = {"FLUSHALL": 2, "kill -9: web": 4}
FINE = dict.fromkeys(verdict.PROMISED, 0) | {"orders acknowledged": 1000, "problems": []} | LEAST


def keep(database="sqlite", seed=1, **figures):
    record = verdict.judged(FINE | figures, LEAST)
    verdict.keep(fault_drills.folder(), database, seed, SIZE, record)


@pytest.fixture
def path(installation):
    keep()
    (found,) = fault_drills.folder().iterdir()
    return found


def test_a_record_of_the_drill_is_read_back(path):
    (drill,) = fault_drills.newest()

    assert (drill.database, drill.seed, drill.size) == ("sqlite", 1, SIZE)
    assert drill.figures["orders acknowledged"] == 1000
    assert drill.promised == verdict.PROMISED
    assert drill.minimums == LEAST
    assert drill.commit
    assert drill.kept


def test_a_run_with_too_few_faults_of_a_kind_shows_nothing(installation):
    keep(**{"kill -9: web": 3})

    (drill,) = fault_drills.newest()

    assert (drill.broken, drill.counts, drill.kept) == ([], False, False)


def test_without_a_record_there_is_none(installation):
    assert fault_drills.newest() == []


def test_the_newest_of_each_database_is_given(path):
    older = json.loads(path.read_text()) | {"at": "2020-01-01T00:00:00+00:00", "seed": 9}
    path.with_name("zz.json").write_text(json.dumps(older))
    keep("postgresql", seed=2)

    assert {(one.database, one.seed) for one in fault_drills.newest()} == {
        ("sqlite", 1),
        ("postgresql", 2),
    }


@pytest.mark.parametrize("figures", [{"second messages": 1}, {"left unsettled": 1}])
def test_a_broken_promise_is_not_kept(installation, figures):
    keep(**figures)

    (drill,) = fault_drills.newest()

    assert (drill.broken, drill.kept) == (list(figures), False)


def test_a_record_that_says_it_was_kept_is_not_believed(path):
    whole = json.loads(path.read_text())
    whole["figures"]["orders lost"] = 3
    path.write_text(json.dumps(whole))

    assert [one.kept for one in fault_drills.newest()] == [False]


@pytest.mark.parametrize(
    ("part", "damaged"),
    [
        ("{", ""),
        ("}", ""),
        ('"format": 2', '"format": 1'),
        ("+00:00", ""),
        ('"seed": 1', '"seed": "one"'),
    ],
)
def test_what_is_no_record_is_passed_over(path, part, damaged):
    path.write_text(path.read_text().replace(part, damaged))

    assert fault_drills.newest() == []


def test_a_file_that_never_ends_is_not_read_to_its_end(path):
    path.write_text('"' + "x" * 2 * fault_drills.MAX_BYTES)

    assert fault_drills.newest() == []
