"""The tests that the formulas name, as they are written, so that one step leads to them from a page on a disk."""

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from .markup import Markup, anchor, element

__all__ = ["section", "source_anchor"]


def source_anchor(test: str) -> str:
    """Where ``"tests/x/test_y.py::test_z"`` is on this page."""
    return anchor("test", test.removeprefix("tests/").replace(".py::", " "))


def section(tests: Iterable[str], root: Path) -> Markup:
    """The source of each test, by file; nothing if there is none."""
    names = sorted(set(tests))
    if not names:
        return Markup("")
    files = dict.fromkeys(name.partition("::")[0] for name in names)
    lead = "The tests that the formulas above name, as they are written; each opens by itself."
    return element(
        "section",
        element("h2", "Tests", id="tests"),
        element("p", lead),
        *(_file(path, [name for name in names if name.startswith(f"{path}::")], root) for path in files),
    )


def _file(path, names, root):
    return element("section", element("h3", element("code", path)), *(_source(name, root) for name in names))


def _source(name, root):
    """Closed: a link to what is inside opens it."""
    path, _, function = name.partition("::")
    code = element("pre", element("code", _definitions(root / path)[function]), id=source_anchor(name))
    return element("details", element("summary", element("code", function)), code, class_="source")


@cache
def _definitions(path):
    """{name: source} of the functions of a file, with their decorators."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            found[node.name] = "\n".join(lines[first - 1 : node.end_lineno])
    return found
