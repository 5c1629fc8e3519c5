"""The part of the page that answers: sliders over one network's exact law, and the ReLU problem in the reader's hands.

Plain JavaScript beside these modules, which computes in the page, from small_network.json, and loads nothing.
"""

import json
from pathlib import Path

from .small_network import WRITTEN

__all__ = ["section"]

HERE = Path(__file__).parent
SCRIPTS = (  # in one scope, each after those that it uses
    "draw.js",
    "law.js",
    "law_panels.js",
    "law_view.js",
    "matrix.js",
    "relu.js",
    "relu_panels.js",
    "handle.js",
    "relu_view.js",
)


def section() -> str:
    """An HTML <section> with its own style, numbers and script, for a page that may set these CSS variables.

    --text, --background, --muted, --accent and --line, in light and in dark; else it sets its own.
    """
    network = json.dumps(json.loads(WRITTEN.read_text()), separators=(",", ":"))
    scripts = "\n".join(_text(name) for name in SCRIPTS)
    return (
        '<section class="lab" id="laboratory" aria-labelledby="lab-title">\n'
        f"<style>\n{_text('interactive.css')}</style>\n{_text('interactive.html')}"
        f'<script>\n(() => {{\n"use strict";\nconst network = {network};\n{scripts}}})();\n</script>\n</section>\n'
    )


def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
