"""A sentence with its indices, powers and code set as such: θ_i, e^{−t} and `ou.minimum`."""

import re

from .markup import Markup, element, joined

__all__ = ["cited", "prose", "words"]

PARTS = re.compile(
    r"`(?P<code>[^`]+)`"
    r"|(?:(?<=(?<![A-Za-z_.])[A-Za-zα-ωΑ-Ω∇])|(?<=[)‖]))_(?P<sub>\{[^{}]*\}|\*|[A-Za-z0-9]{1,4}(?![A-Za-z0-9_]))"
    r"|\^(?P<sup>\{[^{}]*\}|\([^()]*\)|[0-9]+(?:\.[0-9]+)?|[A-Za-z])"
)

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
        inside = found[kind][1:-1] if found[kind][0] in "{(" and kind != "code" else found[kind]
        parts += [text[end : found.start()], element(kind, inside)]
        end = found.end()
    return joined([*parts, text[end:]])


def words(name: str) -> str:
    """A name of the code in words.

    >>> words("local_ou.noise_floor")
    'local ou: noise floor'
    """
    return name.replace(".", ": ").replace("_", " ")
