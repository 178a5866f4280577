"""`trustsvc shop badge`: what a shop pastes into its pages."""

import json

import click

from trustsvc.shops import directory
from trustsvc.storage import db

SAID = {
    "image": "An image alone, for where no script may be",
    "letter": "An image for letters: many mail programs draw no SVG",
    "script": "The badge; its script follows our newest release within an hour",
    "pinned": "The badge with one release of the script, which a browser checks by its hash",
    "list": "The newest reviews",
    "list_pinned": "The newest reviews with one release of the script, known by its hash",
    "fragment": "Or your server prints what it finds here into the page: no script at all",
    "shields": "For a README: https://img.shields.io/endpoint?url= and this address, encoded",
    "feed": "The newest reviews for feed readers (Atom)",
    "policy": "If your pages have a Content-Security-Policy, add to it",
}


@click.command()
@click.argument("slug")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def badge(slug: str, *, as_json: bool) -> None:
    """Print what a shop pastes where its badge or its reviews shall be."""
    from trustsvc.badge import embed_code

    with db.reading() as session:
        written = embed_code.of(directory.by_slug(session, slug))
    if as_json:
        click.echo(json.dumps(written))
        return
    for kind, said in SAID.items():
        click.echo(f"{said}:\n\n{written[kind]}\n")
