"""Every "theory.md, section N" of the source is a section of docs/theory.md, and every heading it quotes one there."""

import re

import pytest
from documentation import DOCS, ROOT, headings

MENTION = re.compile(r"theory\.md\W{1,2}(?:sections?\b|\d(?!\[))")  # 1[z > 0] is a formula
PLACE = r'(?:sections? )?\d(?:\.\d)?(?!\[)(?:,? (?:and )?"[^"]+")*'
CITATION = re.compile(rf"theory\.md,? {PLACE}(?:(?:,|,? and) {PLACE})*")
PARTS = re.compile(r'(?P<section>\d(?:\.\d)?)(?P<quoted>(?:,? (?:and )?"[^"]+")*)')


def citations(text):
    """(section, quoted heading or None) of all that a source file cites, across its line breaks."""
    text = re.sub(r'"\n\s*f?"', "", text)
    text = re.sub(r"\s*\n\s*(?:# )?", " ", text)
    found = CITATION.findall(text)
    assert len(found) == len(MENTION.findall(text)), f"expected citations as {CITATION.pattern}, got {found}"
    for citation in found:
        for place in PARTS.finditer(citation.removeprefix("theory.md")):
            yield place["section"], None
            for heading in re.findall(r'"([^"]+)"', place["quoted"]):
                yield place["section"], heading


def resolves(section, heading):
    known = headings(DOCS / "theory.md")
    return any(section == at and heading in (None, title) for at, title in known)


def sources():
    return sorted(path for room in ("ouanalysis", "derivations", "tests") for path in (ROOT / room).rglob("*.py"))


def test_every_citation_resolves():
    cited = [
        (str(path.relative_to(ROOT)), *place)
        for path in sources()
        if path.parent.name != "docs"
        for place in citations(path.read_text(encoding="utf-8"))
    ]
    assert len({path for path, *_ in cited}) > 50
    assert [place for place in cited if not resolves(*place[1:])] == []


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("Source: theory.md, section 2.", [("2", None)]),
        ("as theory.md 4.3; and", [("4.3", None)]),
        ("typed from theory.md\nsection 2; that", [("2", None)]),
        ('theory.md, sections 3 and 6: "x"', [("3", None), ("6", None)]),
        ('Lee; theory.md, "\n        "sections 3, 6"', [("3", None), ("6", None)]),
        ('theory.md, section 3, "Long times", and section 6.', [("3", None), ("3", "Long times"), ("6", None)]),
        ('theory.md, section 6, "A" and "B".', [("6", None), ("6", "A"), ("6", "B")]),
        ("the one of theory.md, 1[z > 0], is", []),
    ],
)
def test_citations_are_read_as_they_are_written(text, places):
    assert list(citations(text)) == places


@pytest.mark.parametrize("place", [("7", None), ("4.5", None), ("2", "Long times"), ("6", "Other noise")])
def test_a_section_or_heading_that_is_not_there_is_found_out(place):
    assert not resolves(*place)
