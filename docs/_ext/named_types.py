"""In signatures, the types of `ouanalysis.arguments` by their names, where Sphinx spells them out."""

from sphinx.util.typing import stringify_annotation

from ouanalysis import arguments

NAMES = {stringify_annotation(getattr(arguments, name), "smart"): name for name in ("Reals", "RandomSource", "Array")}


def setup(app):
    app.connect("autodoc-process-signature", by_name)
    return {"parallel_read_safe": True}


def by_name(_app, _what, _name, _thing, _options, signature, returns):
    """The signature and the type of the result, each with names."""
    return _named(signature), _named(returns)


def _named(text):
    for spelled_out, name in NAMES.items():
        text = text and text.replace(spelled_out, name)
    return text
