"""From the plain text with formulas that docstrings are here to the reStructuredText that Sphinx reads.

The signs of a formula (θ*, |x|, x_{i+1}) are escaped; an indented formula and an aligned table are kept as they stand.
"""

import re

SIGNS = re.compile(r"(``.*?``|`.*?`)|([*|\\]|_(?!\w))")
ALIGNED = re.compile(r"\S {3,}\S")


def setup(app):
    app.connect("autodoc-process-docstring", as_restructured_text, priority=400)  # before numpydoc's 500
    return {"parallel_read_safe": True}


def as_restructured_text(_app, _what, _name, _thing, _options, lines):
    """Rewrite the lines of a docstring in place."""
    lines[:] = list(_rewritten(lines))


def _rewritten(lines):
    literal, doctest, before, prose = None, False, "", 0  # prose: the indentation of the last line of text
    for line in lines:
        indent = len(line) - len(line.lstrip())
        doctest = bool(line.strip()) and (doctest or line.lstrip().startswith(">>>"))
        if literal is not None and line.strip() and indent < literal:
            literal = None
            if before.strip():
                yield ""
        if literal is None and line.strip() and not doctest:
            formula = not before.strip() and indent > prose
            if formula or (ALIGNED.search(line) and indent):
                literal = indent
                yield from ([""] if before.strip() else []) + [" " * (prose if formula else indent) + "::", ""]
        shift = " " * 4 if literal is not None and line.strip() else ""
        yield shift + line if doctest or literal is not None else SIGNS.sub(_escaped, line)
        before = line
        if line.strip() and literal is None:
            prose = indent


def _escaped(match):
    return match[1] or "\\" + match[2]
