"""In signatures, the types that have names by these, where Sphinx spells them out."""

from sphinx.util.typing import stringify_annotation

from ouanalysis.arguments import Array, RandomSource, Reals
from ouanalysis.numeric.fluctuations.schedule import Scheduled
from ouanalysis.simulate.plan import Observer

ALIASES = {  # what holds others before them
    "Scheduled": Scheduled,
    "Observer": Observer,
    "Reals": Reals,
    "RandomSource": RandomSource,
    "Array": Array,
}
NAMES = {stringify_annotation(alias, "smart"): name for name, alias in ALIASES.items()}


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
