import contextlib

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from tests.conftest import open_engine_alone


@pytest.fixture
def engine(tmp_path):
    made = open_engine_alone(f"sqlite:///{tmp_path}/a.db")
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
    yield made
    made.dispose()


def _write(connection):
    connection.execute(text("INSERT INTO t VALUES (1)"))


def _meet_a_disk_that_cannot_be_written(engine):
    with engine.connect() as connection:
        connection.execute(text("PRAGMA query_only = ON"))
        with pytest.raises(OperationalError):
            _write(connection)


def test_no_connection_is_opened_while_one_from_the_fault_is_still_in_use(engine):
    with engine.connect() as old:
        _meet_a_disk_that_cannot_be_written(engine)
        for _ in range(3):
            with pytest.raises(OperationalError, match="being reopened"):
                engine.connect()
        assert old.scalar(text("SELECT count(*) FROM t")) == 0

    with pytest.raises(OperationalError), engine.begin():
        """The old one lay in the pool: it is closed instead of being handed out."""
    with engine.begin() as connection:
        _write(connection)


def test_all_that_lay_in_the_pool_are_closed_one_by_one_and_then_it_writes_again(engine):
    with contextlib.ExitStack() as many:
        for _ in range(5):
            many.enter_context(engine.connect())
    _meet_a_disk_that_cannot_be_written(engine)

    refused = 0
    while refused < 20:
        try:
            with engine.begin() as connection:
                _write(connection)
            break
        except OperationalError:
            refused += 1

    assert refused <= 5
    assert engine.pool.checkedout() == 0


def test_an_error_of_another_kind_closes_nothing(engine):
    with engine.connect() as old:
        with engine.connect() as other, pytest.raises(OperationalError):
            other.execute(text("SELECT nothing FROM nowhere"))
        with engine.begin() as connection:
            _write(connection)
        assert old.scalar(text("SELECT 1")) == 1
