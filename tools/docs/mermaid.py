"""Draws ```mermaid blocks as pictures while the site is built, so that no page needs a script."""

import html
import re
import zlib
from pathlib import Path

import mermaidx
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

VIEW_BOX = re.compile(r'viewBox="[\d.-]+ [\d.-]+ ([\d.]+)')


class MermaidDiagram(SphinxDirective):
    """One Mermaid diagram; its source is the picture's alternative text."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        source = "\n".join(self.content)
        name = f"diagram-{zlib.crc32(source.encode()):08x}.svg"
        folder = Path(self.env.app.outdir) / "_static" / "diagrams"
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / name).exists():
            (folder / name).write_text(mermaidx.Diagram(source).svg(), encoding="utf-8")
        width = VIEW_BOX.search((folder / name).read_text(encoding="utf-8"))
        size = f'width="{float(width[1]):.0f}"' if width else ""
        up = "../" * self.env.docname.count("/")
        alternative = html.escape(source)
        tag = f'<p><img src="{up}_static/diagrams/{name}" alt="{alternative}" {size}></p>'
        return [nodes.raw("", tag, format="html")]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("mermaid", MermaidDiagram)
    return {"parallel_read_safe": False}
