from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from trustsvc import cli


def _run(*words):
    return CliRunner().invoke(cli.main, ["staff", *words])


def test_add_prints_one_link_that_lets_in_once(installation, client):
    output = _run("add", "--name", "Sam").stdout

    assert output.startswith(f"{installation.base_url}/desk/enter/")
    assert len(output.split()) == 1
    assert client.post(urlsplit(output.strip()).path).status_code == 303
    assert client.get("/desk/").status_code == 200


def test_link_lets_the_same_person_in_again_and_leave_ends_it(installation, client):
    _run("add", "--name", "Sam")
    assert "1  Sam" in _run("list").stdout

    path = urlsplit(_run("link", "1").stdout.strip()).path
    client.post(path)
    assert _run("leave", "1").exit_code == 0

    assert client.get("/desk/").status_code == 303
    assert "left" in _run("list").stdout
    assert _run("link", "1").exit_code == 1


@pytest.mark.parametrize("words", [("link", "9"), ("leave", "9"), ("add", "--name", " ")])
def test_nonsense_ends_with_a_sentence(installation, words):
    done = _run(*words)

    assert done.exit_code in {1, 2}
    assert "Traceback" not in done.output
    assert "Error" in done.output
