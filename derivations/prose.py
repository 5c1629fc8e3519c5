"""How a sentence is written: Unicode prose split into text and mathematics, once for LaTeX and for HTML."""

import html
import re
from collections.abc import Iterator
from functools import cache
from typing import Literal

__all__ = ["INDEX", "INDEXED", "OPERATORS", "POWER", "SIGNS"]
__all__ += ["bare", "in_math", "mathml", "prose_html", "prose_in_math", "prose_latex", "split"]

# What the prose may hold beside ASCII, and what LaTeX calls it.
SIGNS = {
    **{"α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\epsilon", "η": r"\eta"},
    **{"θ": r"\theta", "κ": r"\kappa", "λ": r"\lambda", "μ": r"\mu", "ν": r"\nu", "π": r"\pi", "ρ": r"\rho"},
    **{"σ": r"\sigma", "τ": r"\tau", "φ": r"\phi", "ψ": r"\psi", "ω": r"\omega", "Δ": r"\Delta", "Λ": r"\Lambda"},
    **{"Σ": r"\Sigma", "Φ": r"\Phi", "∇": r"\nabla", "∂": r"\partial", "∫": r"\int", "√": r"\surd", "∞": r"\infty"},
    **{"≤": r"\le", "≥": r"\ge", "≠": r"\ne", "≈": r"\approx", "∈": r"\in", "∉": r"\notin", "⊂": r"\subset"},
    **{"→": r"\to", "↦": r"\mapsto", "⇒": r"\Rightarrow", "⇔": r"\Leftrightarrow", "·": r"\cdot", "×": r"\times"},
    **{"←": r"\leftarrow", "±": r"\pm", "−": "-", "⟨": r"\langle", "⟩": r"\rangle", "‖": r"\|", "⪰": r"\succeq"},
    **{"≻": r"\succ", "∝": r"\propto", "⟂": r"\perp", "½": r"\tfrac{1}{2}", "¼": r"\tfrac{1}{4}", "…": r"\ldots"},
    **{"∪": r"\cup", "∘": r"\circ", "∩": r"\cap", "⊗": r"\otimes", "′": r"\prime"},
    **{sign: str(digit) for digit, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{sign: str(digit) for digit, sign in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    **{"⁺": "+", "⁻": "-", "ᵀ": r"\top", "₊": "+", "₋": "-"},
}
RAISED, LOWERED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᵀ′", "₀₁₂₃₄₅₆₇₈₉₊₋"

OPERATORS = {"log": r"\log ", "det": r"\det ", "max": r"\max ", "min": r"\min ", "exp": r"\exp ", "tanh": r"\tanh "}
OPERATORS |= {name: rf"\operatorname{{{name}}}" for name in ("tr", "diag", "Cov")}
INDICES = ("reg", "half")  # indices that are words

# What the prose sets as mathematics: a letter with an index (θ_a, g_i, not drift_matrix), a power (^T, ^{1/2}, ^0.4,
# ^(−1.6)), and a letter on its own, unless it can be the word "a" or "I". Else sign by sign.
INDEXED = r"(?:(?<![A-Za-z_.])[A-Za-zα-ωΑ-Ω∇]|[‖)])"
INDEX = r"_(?P<index>\{[^{}]*\}|\*|∞|[A-Za-z0-9]{1,4}(?![A-Za-z0-9_]))"
POWER = r"\^(?P<raised>\{[^{}]*\}|\([^()]*\)|[0-9]+(?:\.[0-9]+)?|[A-Za-z])"
TOKENS = re.compile(
    rf"{INDEXED}{INDEX}|{POWER}"
    r"|(?<![A-Za-z'_.])(?P<letter>[B-HJ-Zb-z]|[aAI](?=[²³⁴⁻ᵀ·,)^]| [=+−<>≤≥→∈]))(?![A-Za-z'])"
    r"|(?<!\S)(?P<relation>[=+<>])(?!\S)",
)
# A word, in which {…} and √(…) keep their spaces, and in it the names that are text.
ROOT = r"√\((?:[^()]|\([^()]*\))*\)"
WORD = re.compile(rf"(?:{ROOT}|\{{[^{{}}]*\}}|\S)+|\s+")
NAME = re.compile(r"[A-Za-z]+(?:[._]?[A-Za-z0-9]+)+")
MATH = re.compile(
    rf"(?P<up>[{RAISED}]+)|(?P<down>[{LOWERED}]+)|{INDEX}|{POWER}"
    rf"|√(?:\((?P<root>(?:[^()]|\([^()]*\))*)\)|(?P<of>\w))"
    r"|(?P<star>(?<=[A-Za-zα-ω])\*)|(?P<name>[A-Za-z]{2,})|.",
    re.DOTALL,
)
HOLDING = ("raised", "root", "of")  # of its kinds those that have mathematics inside


def split(text: str) -> Iterator[tuple[bool, str]]:
    """The parts of a sentence in order, each with whether it is mathematics.

    >>> list(split("SGD moves θ_a by −2ηε g_i."))
    [(False, 'SGD moves '), (True, 'θ_a'), (False, ' by '), (True, '−2ηε'), (False, ' '), (True, 'g_i'), (False, '.')]
    """
    strange = next((sign for sign in text if sign not in SIGNS and not sign.isascii()), None)
    if strange:
        raise ValueError(f"prose: expected ASCII or a sign of SIGNS, got {strange!r} in {text!r}")
    marked = {place for token in TOKENS.finditer(text) for place in range(*token.span())}
    marked |= {place for place, sign in enumerate(text) if sign in SIGNS}
    waiting = ""
    for math, part in _parts(text, marked):
        if not math:
            waiting += part
            continue
        if waiting:
            yield False, waiting
            waiting = ""
        yield True, part
    if waiting:
        yield False, waiting


def _parts(text, marked):
    for word in WORD.finditer(text):
        start, end = word.span()
        names = [name.span() for name in NAME.finditer(text, start, end)]
        names = [span for span in names if text[slice(*span)] not in OPERATORS and not marked & set(range(*span))]
        for left, right in zip([start, *(span[1] for span in names)], [*(span[0] for span in names), end], strict=True):
            if marked & set(range(left, right)):
                yield from _stripped(text[left:right])
            else:
                yield False, text[left:right]
            if right < end:
                (name,) = [span for span in names if span[0] == right]
                yield False, text[slice(*name)]


def _stripped(chunk):
    """Mathematics without the punctuation at its ends, and without a bracket that is closed elsewhere."""
    opened: list[int] = []
    alone = set()
    for place, sign in enumerate(chunk):
        if sign in "([":
            opened.append(place)
        elif sign in ")]" and opened:
            opened.pop()
        elif sign in ")]":
            alone.add(place)
    alone.update(opened)
    left, right = 0, len(chunk)
    while right > left and (chunk[right - 1] in ".,;:-?" or right - 1 in alone):
        right -= 1
    while left < right and left in alone:
        left += 1
    for math, part in ((False, chunk[:left]), (True, chunk[left:right]), (False, chunk[right:])):
        if part:
            yield math, part


def in_math(text: str) -> str:
    r"""What LaTeX writes in math mode.

    >>> in_math("−2ησ_i²/B")
    '-2\\eta \\sigma _{i}^{2}/B'
    """
    out = []
    for token in MATH.finditer(text):
        kind, found = token.lastgroup, token.group()
        inside = in_math(bare(token[kind]) if kind == "raised" else token[kind]) if kind in HOLDING else ""
        if kind == "up":
            out.append(f"^{{{''.join(f'{SIGNS[sign]} ' if sign in 'ᵀ′' else SIGNS[sign] for sign in found).strip()}}}")
        elif kind == "down":
            out.append(f"_{{{''.join(SIGNS[sign] for sign in found)}}}")
        elif kind == "index":
            out.append(
                rf"_{{\mathrm{{{token['index']}}}}}"
                if token["index"] in INDICES
                else f"_{{{_letters(token['index'])}}}"
            )
        elif kind == "raised":
            out.append(f"^{{{inside}}}")
        elif kind == "star":
            out.append("^{*}")
        elif kind in ("root", "of"):
            out.append(rf"\sqrt{{{inside}}}")
        elif kind == "name":
            out.append(OPERATORS.get(found, rf"\mathrm{{{found}}}"))
        else:
            out.append(f"{SIGNS[found]} " if SIGNS.get(found, "").startswith("\\") else SIGNS.get(found, found))
    return "".join(out)


def bare(part: str) -> str:
    """An index or a power without its bracket.

    >>> bare("{−2λt}"), bare("(−1.6)"), bare("ij")
    ('−2λt', '−1.6', 'ij')
    """
    return part[1:-1] if part[0] + part[-1] in ("{}", "()") else part


def _letters(index):
    return "".join(map(in_math, bare(index)))


def prose_latex(text: str) -> str:
    """A sentence for LaTeX, in ASCII."""
    return "".join(rf"\ensuremath{{{in_math(part)}}}" if math else _escaped(part) for math, part in split(text))


def _escaped(text):
    special = {"&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}"}
    special |= {"^": r"\textasciicircum{}", "\\": r"\textbackslash{}", "<": r"\ensuremath{<}", ">": r"\ensuremath{>}"}
    special |= {"|": r"\ensuremath{|}", "$": r"\$"}  # in the text font of LaTeX a | would be a dash
    return "".join(special.get(sign, sign) for sign in text)


def prose_in_math(text: str) -> str:
    """A formula that is part words, for math mode."""
    return "".join(in_math(part) if math else rf"\text{{{_escaped(part)}}}" for math, part in split(text))


def prose_html(text: str) -> str:
    """A sentence for HTML, its mathematics as MathML."""
    return "".join(mathml(in_math(part)) if math else html.escape(part) for math, part in split(text))


@cache
def mathml(formula: str, *, display: Literal["inline", "block"] = "inline") -> str:
    """What LaTeX would set in math mode as MathML, which browsers show as it is."""
    from latex2mathml.converter import convert

    return convert(formula, display=display).replace(r"\_", "_")  # the converter leaves the \ in \text{a\_b}
