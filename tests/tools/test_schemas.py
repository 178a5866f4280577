"""Tests tools/schema_rows.py too."""

from tests import servers
from tools import schema_rows, schemas


def test_migrations_still_make_what_they_made_when_they_were_released(postgres, tmp_path):
    urls = {"sqlite": f"sqlite:///{tmp_path}/empty.db"}
    urls["postgresql"], drop = servers.empty_database(postgres)
    for database, url in urls.items():
        for number, text in schemas.steps(url):
            kept = schemas.FOLDER / database / f"{number}.sql"
            assert kept.exists(), "write it: python -m tools.schemas"
            assert (number, text) == (number, kept.read_text())
    drop()


def test_the_rows_are_the_same_each_time_they_are_written():
    for number in schemas.WITH_ROWS:
        kept = schemas.FOLDER / "rows" / f"{number}.sql"
        assert schemas.row_statements(number) == kept.read_text()


def test_a_key_file_is_one_that_the_key_ring_reads(installation):
    from trustsvc.crypto import keyring

    schema_rows.write_keys(installation.data / "keys")

    assert {kind: keyring.newest_key(kind).secret for kind in keyring.KINDS} == schema_rows.KEYS
