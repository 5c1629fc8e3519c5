"""A page for each source file, with an anchor at each name that it defines, and links to them.

A link of these pages to ../ouanalysis/x.py#name opens the file on the repository's page, and here the name in it.
"""

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("ouanalysis", "derivations", "tests")
LINK = re.compile(rf"\]\(\.\./((?:{'|'.join(ROOMS)})/[\w/]+\.py)(?:#([\w.]+))?\)")


def setup(app):
    app.connect("source-read", link_to_pages)
    app.connect("html-collect-pages", source_pages)
    return {"parallel_read_safe": True}


def link_to_pages(_app, _name, content):
    """Point the links to source files at their pages."""
    content[0] = LINK.sub(lambda link: f"](source:{link[1]}#{link[2] or ''})", content[0])


def source_of(_domain, info):
    """The address of the page and the line of a documented name, as seen from a page in api/."""
    thing = import_module(info["module"])
    for name in info["fullname"].split("."):
        thing = inspect.getattr_static(thing, name, None) if inspect.isclass(thing) else getattr(thing, name)
    thing = getattr(thing, "fget", None) or getattr(thing, "func", None) or thing
    try:
        path = Path(inspect.getsourcefile(inspect.unwrap(thing)))
    except TypeError:
        return None
    return f"../source/{path.relative_to(ROOT)}.html#{getattr(thing, '__qualname__', '')}"


def source_pages(app):
    """(name, content, template) of each page."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            yield f"source/{name}", {"title": name, "body": _page(app.builder.highlighter, name, path)}, "page.html"


def _page(highlighter, name, path):
    text = path.read_text(encoding="utf-8")
    lines = highlighter.highlight_block(text, "python").replace("<pre>", "<pre>\n").split("\n")
    for label, number in _anchors(ast.parse(text)):
        lines[number] = f'<span id="{label}"></span>{lines[number]}'
    return f"<h1>{name}</h1>" + "\n".join(lines).replace("<pre>\n", "<pre>")


def _anchors(tree, within=""):
    """(dotted name, line) of what a module or a class defines."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield within + node.name, node.lineno
            if isinstance(node, ast.ClassDef):
                yield from _anchors(node, f"{within}{node.name}.")
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield within + node.target.id, node.lineno
