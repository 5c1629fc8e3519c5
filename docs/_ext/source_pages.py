"""A page for each source file, with an anchor at each name that it defines, and links to them.

A link of a page to ../ouanalysis/x.py#name opens the file where one reads the repository, and here the name in it.
"""

import ast
import inspect
import re
from functools import cache
from importlib import import_module
from pathlib import Path

from sphinx.util import logging

ROOT = Path(__file__).parents[2]
ROOMS = ("ouanalysis", "derivations", "tests")
LINK = re.compile(rf"\]\(\.\./((?:{'|'.join(ROOMS)})/[\w/]+\.py)(?:#([\w.]+))?\)")


def setup(app):
    app.connect("source-read", link_to_pages)
    app.connect("html-collect-pages", source_pages)
    return {"parallel_read_safe": True}


def link_to_pages(_app, _name, content):
    """Point the links to source files at their pages."""
    content[0] = LINK.sub(lambda link: f"](source:{_place(link[1], link[2] or '')})", content[0])


def source_of(_domain, info):
    """Where the definition of a documented name is, as seen from a page in api/; None where that is not ours."""
    thing = import_module(info["module"])
    for name in info["fullname"].split("."):
        thing = inspect.getattr_static(thing, name, None) if inspect.isclass(thing) else getattr(thing, name)
    for inside in ("fget", "func", "__func__"):  # of a property, a cached one, a class method
        thing = getattr(thing, inside, thing)
    try:
        path = Path(inspect.getsourcefile(thing))
    except TypeError:  # a field
        return None
    if not any(path.is_relative_to(ROOT / room) for room in ROOMS):
        return None
    path, _, name = _place(str(path.relative_to(ROOT)), getattr(thing, "__qualname__", "")).partition("#")
    return f"../source/{path}.html#{name}"


def source_pages(app):
    """(name, content, template) of each page."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            yield f"source/{name}", {"title": name, "body": _body(app.builder.highlighter, name)}, "page.html"


def _body(highlighter, name):
    text = (ROOT / name).read_text(encoding="utf-8")
    lines = highlighter.highlight_block(text, "python").replace("<pre>", "<pre>\n").split("\n")
    for label, number in _definitions(name).items():
        lines[number] = f'<span id="{label}"></span>{lines[number]}'
    return f"<h1>{name}</h1>" + "\n".join(lines).replace("<pre>\n", "<pre>")


def _place(path, name):
    """path#name; a warning if the file does not define it."""
    if name and name not in _definitions(path):
        logging.getLogger(__name__).warning("expected a name that %s defines, got %s", path, name)
    return f"{path}#{name}"


@cache
def _definitions(path):
    """{dotted name: line} of the functions, classes, methods and annotated fields of a file."""
    return dict(_defined(ast.parse((ROOT / path).read_text(encoding="utf-8")), ""))


def _defined(tree, within):
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield within + node.name, node.lineno
        if isinstance(node, ast.ClassDef):
            yield from _defined(node, f"{within}{node.name}.")
        if isinstance(node, ast.AnnAssign):
            yield within + ast.unparse(node.target), node.lineno
