"""The badge as a bitmap for e-mails: many mail clients draw no SVG."""

from pathlib import Path

import font_lato
import resvg_py

WIDTH, HEIGHT = 440, 144  # twice the badge's size, for high-density screens

# Bundled, so that every machine draws alike, and a container without fonts draws at all.
_FONTS = [
    str(Path(font_lato.font_directory) / f"Lato-{weight}.ttf") for weight in ("Regular", "Bold")
]


def as_png(drawn: bytes) -> bytes:
    """Draw an SVG badge as a bitmap; takes about 20 ms, so only for a changed one."""
    # The font lacks the narrow space that French puts between thousands.
    image = drawn.decode().replace("\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}")
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=image,
            width=WIDTH,
            height=HEIGHT,
            skip_system_fonts=True,
            font_files=_FONTS,
            font_family="Lato",
            sans_serif_family="Lato",
        )
    )
