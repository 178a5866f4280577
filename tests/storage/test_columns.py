"""Tables as each database would be sent them; no server is needed."""

from sqlalchemy import create_mock_engine

from tests import all_tables
from trustsvc.storage.columns import metadata

all_tables.load()


def statements(url):
    sent = []
    engine = create_mock_engine(url, lambda one, *_, **__: sent.append(one))
    metadata.create_all(engine, checkfirst=False)
    return [str(one.compile(dialect=engine.dialect)) for one in sent]


def test_both_databases_get_the_same_partial_indexes():
    on_sqlite, on_postgresql = (
        {one.partition(" ON ")[0]: one.partition(" WHERE ")[2] for one in made if " WHERE " in one}
        for made in (statements("sqlite://"), statements("postgresql+psycopg://"))
    )

    assert on_sqlite["CREATE INDEX ix_orders_due"] == "state = 'received'"
    assert on_postgresql == on_sqlite
