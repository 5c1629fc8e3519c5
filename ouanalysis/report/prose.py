"""A sentence with its indices, powers and code set as such: θ_i, e^{−t} and `ou.minimum`."""

import re
from importlib import import_module

from .markup import Markup, element, joined

__all__ = ["cited", "prose", "words"]

notation = import_module("ouanalysis.derivations.prose")
PARTS = re.compile(rf"`(?P<code>[^`]+)`|(?<={notation.INDEXED}){notation.INDEX}|{notation.POWER}")
TAGS = {"code": "code", "index": "sub", "raised": "sup"}

ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")


def cited(text: str) -> Markup:
    """Prose in which papers of arXiv are links; not for what is a link itself."""
    return Markup(ARXIV.sub(r'<a href="https://arxiv.org/abs/\1">\g<0></a>', prose(text)))


def prose(text: str) -> Markup:
    """As HTML.

    >>> prose("e^{−2λt} of x_i < 1 in `noise_std`")
    'e<sup>−2λt</sup> of x<sub>i</sub> &lt; 1 in <code>noise_std</code>'
    >>> prose("‖U‖_F of order η^0.4 in η^(−1.6) steps.")
    '‖U‖<sub>F</sub> of order η<sup>0.4</sup> in η<sup>−1.6</sup> steps.'
    """
    parts, end = [], 0
    for found in PARTS.finditer(text):
        kind = found.lastgroup or ""
        inside = found[kind] if kind == "code" else notation.bare(found[kind])
        parts += [text[end : found.start()], element(TAGS[kind], inside)]
        end = found.end()
    return joined([*parts, text[end:]])


def words(name: str) -> str:
    """A name of the code in words.

    >>> words("local_ou.noise_floor")
    'local ou: noise floor'
    """
    return name.replace(".", ": ").replace("_", " ")
