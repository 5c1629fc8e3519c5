"""The pages of docs/, read without Sphinx: headings, links and the names that a source file defines."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")


def pages():
    return sorted(DOCS.rglob("*.md"))


@cache
def headings(page):
    """(section or "", title) of each heading in order; a heading without a number is in the section above it."""
    found, section = [], ""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for title in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE):
        number = re.match(r"(\d+(?:\.\d+)?)\.? ", title)
        section = number[1] if number else section
        found.append((section, title))
    return found


def anchors(page):
    """The fragments by which a repository's page and MyST know the headings."""
    return {_anchor(title) for _, title in headings(page)}


def paragraphs(page):
    """{anchor: what is under that heading, up to the next of any level}."""
    parts = re.split(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return dict(zip(map(_anchor, parts[::2]), parts[1::2], strict=True))


def _anchor(title):
    return re.sub(r"[^\w\s-]", "", title.lower()).replace(" ", "-")


@cache
def defined_names(path):
    """The dotted names of the functions, classes, methods and annotated fields that a source file defines."""
    return set(_defined(ast.parse(path.read_text(encoding="utf-8")), ""))


def _defined(node, within):
    for child in node.body:
        if isinstance(child, ast.FunctionDef | ast.ClassDef):
            yield within + child.name
        if isinstance(child, ast.ClassDef):
            yield from _defined(child, f"{within}{child.name}.")
        if isinstance(child, ast.AnnAssign):
            yield within + ast.unparse(child.target)
