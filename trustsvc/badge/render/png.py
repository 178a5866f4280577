"""The badge as a bitmap, for letters: many mail clients draw no SVG."""

from pathlib import Path

import font_lato
import resvg_py

WIDTH, HEIGHT = 440, 144  # twice the badge, for screens of two dots a pixel

# Always the same letters, and some where a machine has none at all: a container, say.
_FONTS = [
    str(Path(font_lato.font_directory) / f"Lato-{weight}.ttf") for weight in ("Regular", "Bold")
]


def as_png(drawn: bytes) -> bytes:
    """Draw an SVG badge as a bitmap; it takes some 20 ms, so it is asked for where one changed."""
    # The narrow space between thousands in French is not in the font; a wide one says the same.
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
