"""The page as a reader meets it, read as XML: what it holds, where its links lead, and that it fetches nothing."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from ouanalysis.claims import CLAIMS
from ouanalysis.report import formulas, glossary, page, sources
from ouanalysis.report.abstract import SENTENCES
from ouanalysis.report.derivations import section_anchor
from ouanalysis.report.markup import anchor

from .conftest import FAILED, PARTLY

HTML = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture(scope="module", autouse=True)
def interactive():
    """Tested by itself, in a browser: here a mere place."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(page.interactive, "section", lambda: '<section id="laboratory"/>')
        yield


@pytest.fixture(scope="module")
def text(contents):
    return page.page(contents, {"seed": "0", "processor": "one < two"})


@pytest.fixture(scope="module")
def tree(text):
    return ElementTree.fromstring(text)


@pytest.fixture(scope="module")
def by_id(tree):
    return {one.get("id"): one for one in tree.iter() if one.get("id")}


def words(one):
    return " ".join("".join(one.itertext()).split())


def test_no_two_places_have_one_name(tree):
    ids = [one.get("id") for one in tree.iter() if one.get("id")]
    assert len(ids) == len(set(ids)) > 300


def test_every_link_leads_to_a_place_on_the_page_or_to_arxiv(tree, by_id):
    targets = [value for one in tree.iter() for name, value in one.attrib.items() if name.rpartition("}")[2] == "href"]
    inside = {target.removeprefix("#") for target in targets if target.startswith("#")}
    assert len(inside) > 300
    assert inside - set(by_id) == set()
    outside = {target for target in targets if not target.startswith("#")}
    carried = "data:image/png;base64,"  # clouds of points, which are pictures inside of a figure
    assert {target for target in outside if not target.startswith(("https://arxiv.org/abs/", carried))} == set()


def test_nothing_is_fetched(text, tree):
    assert {one.tag.rpartition("}")[2] for one in tree.iter()} & {"script", "link", "img", "iframe", "object"} == set()
    assert not any("src" in one.attrib for one in tree.iter())
    assert set(re.findall(r"url\(([^#)][^)]*)\)", text)) == set()
    assert "@import" not in text


def test_every_claim_has_its_row_with_all_that_was_found(by_id):
    for claim in CLAIMS.values():
        row = by_id[f"claim-{claim.id}"]
        assert row.find(".//{http://www.w3.org/1998/Math/MathML}math") is not None
        assert "gap < all & sundry 0.5 ≤ 1" in words(row).replace("sundry0", "sundry 0")
        assert "Where it must not hold" in words(row)
        assert claim.source in words(row)


def test_a_failed_row_says_so_and_shows_its_traceback(by_id):
    assert "failed" in by_id[f"claim-{FAILED}"].get("class")
    assert "x < y in C:\\planted" in words(by_id[f"claim-{FAILED}"])
    assert all("failed" not in by_id[f"claim-{name}"].get("class") for name in CLAIMS if name != FAILED)


def test_what_was_not_checked_is_said(by_id):
    assert "what takes long" in words(by_id[f"claim-{PARTLY}"])
    assert "in part" in words(by_id[f"claim-{PARTLY}"])


def test_every_sentence_of_the_abstract_has_rows(tree):
    shown = [words(one) for one in tree.iter(f"{HTML}blockquote")]
    assert shown == [text for text, _ in SENTENCES]
    assert all(ids and set(ids) <= set(CLAIMS) for _, ids in SENTENCES)


def test_every_claim_of_the_paper_is_under_some_sentence():
    checked = {name for _, ids in SENTENCES for name in ids}
    papers = {name for name, claim in CLAIMS.items() if claim.source.startswith("Blanc")}
    assert papers - checked == set()


def test_headings_do_not_skip_a_level(tree):
    levels = [int(one.tag[-1]) for one in tree.iter() if re.fullmatch(rf"{HTML}h\d", one.tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_figure_says_in_numbers_what_it_shows(tree, contents):
    pictures = list(tree.iter("{http://www.w3.org/2000/svg}svg"))
    assert len(pictures) == len(contents.pictures)
    for one in pictures:
        assert one.get("role") == "img"
        assert len(re.findall(r"\d\.\d", one.get("aria-label"))) > 5
        assert "\\" not in one.get("aria-label")


def test_a_figure_that_could_not_be_drawn_is_said(tree):
    assert "Traceback: a < b" in words(tree)


def test_no_latex_is_left(tree):
    code = {id(part) for one in tree.iter() if one.tag in (f"{HTML}pre", f"{HTML}code") for part in one.iter()}
    left = [one.text for one in tree.iter() if id(one) not in code and "\\" in (one.text or "") + (one.tail or "")]
    assert left == []


def test_one_step_from_each_formula_to_its_derivation_and_its_tests(by_id):
    known = formulas.read()
    assert len(known) > 40
    for one in known:
        assert anchor("formula", one.title) in by_id
        assert one.tests
        assert one.derived or one.argued, one.title
        for name in one.derived:
            assert section_anchor(name) in by_id
        for name in one.tests:
            assert f"def {name.partition('::')[2]}(" in words(by_id[sources.source_anchor(name)])


def test_every_letter_of_the_glossary_is_explained(tree):
    (letters,) = [one for one in tree.iter(f"{HTML}dl") if one.get("class") == "letters"]
    assert len(letters) > 30
    assert "B, B̃ batch; B̃ is B, or n for a full batch" in " ".join(map(words, letters))


def test_without_the_source_s_docs_and_tests_the_page_says_so(contents, tmp_path, monkeypatch):
    for part in (formulas, glossary):
        nothing = part.read(tmp_path)
        monkeypatch.setattr(part, "read", lambda nothing=nothing: nothing)
    tree = ElementTree.fromstring(page.page(contents, {}))
    assert "made by an installed package" in words(tree)
    assert not any((one.get("id") or "").startswith(("test", "letters")) for one in tree.iter())
