"""docs/formulas.md: every name in it links to where it is defined, and no quantity of the package is missing."""

import importlib
import inspect
import re
from pathlib import Path

import pytest
from documentation import DOCS, LINK, ROOT, anchors, defined_names, paragraphs

import ouanalysis as ou

PAGE = (DOCS / "formulas.md").read_text(encoding="utf-8")
LINKS = [(text.strip("`"), target) for text, target in LINK.findall(PAGE)]
NAMES = [(name, target) for name, target in LINKS if not target.startswith("theory.md")]
ROLES = {"stated", "traced", "computed", "simulated", "derived", "tested"}


def entries():
    """{title: {role: links}} of the formulas."""
    found = {}
    for section in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]:
        rows = re.findall(r"^\| (\w+) \| (.*) \|$", section, flags=re.MULTILINE)
        found[section.partition("\n")[0]] = dict(rows)
    return found


def definition(name):
    """(file, dotted name in it) of a public name: a function, a class, a method, a property or a field of one."""
    owner, last = ou, name.removeprefix("ou.").split(".")
    for part in last[:-1]:
        owner = getattr(owner, part)
    if inspect.isclass(owner):
        owner = next(
            base for base in owner.__mro__ if last[-1] in {*vars(base), *vars(base).get("__annotations__", ())}
        )
        return Path(inspect.getsourcefile(owner)), f"{owner.__qualname__}.{last[-1]}"
    thing = getattr(owner, last[-1])
    return Path(inspect.getsourcefile(thing)), thing.__qualname__


@pytest.mark.parametrize(("name", "target"), NAMES)
def test_a_name_links_to_where_it_is_defined(name, target):
    path, _, anchor = target.partition("#")
    path = (DOCS / path).resolve()
    assert anchor in defined_names(path)
    if name.startswith("ou."):
        assert (path, anchor) == definition(name)
    elif "::" in name:
        assert f"{path.relative_to(ROOT)}::{anchor}" == name
    else:
        module, _, inside = name.partition(":")
        assert f"{module.replace('.', '/')}.py" == str(path.relative_to(ROOT))
        assert anchor == inside
        assert importlib.util.find_spec(module)


def test_every_name_in_code_style_in_a_row_is_a_link():
    rows = "\n".join(row for roles in entries().values() for row in roles.values())
    assert set(re.findall(r"`([^`]+)`", rows)) == {name for name, _ in NAMES}


def test_every_formula_is_stated_and_has_a_witness():
    titles = re.findall(r"^### (.+)$", PAGE, flags=re.MULTILINE)
    assert len(titles) == len(set(titles)) == len(entries())
    for title, roles in entries().items():
        assert set(roles) <= ROLES, title
        assert {"stated", "derived", "tested"} <= set(roles), title
        assert {"computed", "simulated"} & set(roles), title
        places = [target for _, target in LINK.findall(roles["stated"])]
        assert all(place.partition("#")[2] in anchors(DOCS / "theory.md") for place in places), title


def test_every_formula_is_derived_by_a_step_or_by_an_argument_in_words():
    for title, roles in entries().items():
        places = [target.partition("#") for _, target in LINK.findall(roles["derived"])]
        assert places, title
        for page, _, anchor in places:
            assert page.startswith("../derivations/") or (page == "theory.md" and anchor in argued()), title


def argued():
    """The anchors of docs/theory.md under which there is an argument in words."""
    return {anchor for anchor, text in paragraphs(DOCS / "theory.md").items() if "*Argument:*" in text}


def test_every_argument_in_words_is_of_some_formula():
    derived = " ".join(roles["derived"] for roles in entries().values())
    assert argued() == {
        target.removeprefix("theory.md#") for _, target in LINK.findall(derived) if "theory.md" in target
    }


def test_a_section_without_an_argument_is_known_as_one(tmp_path):
    page = tmp_path / "theory.md"
    page.write_text("# A\n\nx\n\n## B: c, d\n\n*Argument:* y\n\n## E\n\n", encoding="utf-8")
    assert {anchor: "*Argument:*" in text for anchor, text in paragraphs(page).items()} == {
        "a": False,
        "b-c-d": True,
        "e": False,
    }


def is_quantity(name):
    """Whether a public name is one: not a room, not a model or a planted problem of one, not an error."""
    thing = getattr(ou, name)
    model_or_error = inspect.isclass(thing) and issubclass(thing, ou.Setting | Exception)
    return not (inspect.ismodule(thing) or model_or_error or name.startswith("planted_"))


def test_every_public_quantity_is_in_the_table():
    named = {name.split(".")[1] for name, _ in NAMES if name.startswith("ou.")}
    assert {name for name in ou.__all__ if is_quantity(name)} - named == set()


def test_every_derivation_is_of_some_formula():
    derived = {target for roles in entries().values() for _, target in LINK.findall(roles["derived"])}
    used = {Path(target.partition("#")[0]).stem for target in derived if target.startswith("../derivations/")}
    steps = {path.stem for path in (ROOT / "derivations").glob("[a-z]*.py")}
    steps -= {"block", "derivation", "latex", "line", "notation", "prose", "terms"}  # how an argument is written down
    assert used == steps
