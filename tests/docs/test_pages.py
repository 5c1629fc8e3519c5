"""Links, examples and the reference, as a reader of the repository meets them; `make docs` is the built site's test."""

import doctest
import pkgutil
import re

import pytest
from documentation import DOCS, LINK, ROOT, anchors, defined_names, pages

import ouanalysis as ou


def ids(page):
    return page.relative_to(DOCS).with_suffix("").as_posix()


@pytest.mark.parametrize("page", pages(), ids=ids)
def test_every_link_leads_to_a_file_and_a_place_in_it(page):
    for text, target in LINK.findall(page.read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        name, _, fragment = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.is_file(), f"{text}: expected a file, got {target}"
        if fragment:
            known = anchors(path) if path.suffix == ".md" else defined_names(path)
            assert fragment in known, f"{text}: expected a heading or a name, got {target}"


@pytest.mark.parametrize("page", [page for page in pages() if ">>> " in page.read_text(encoding="utf-8")], ids=ids)
def test_the_examples_of_a_page_run_in_order(page):
    told, text = [], page.read_text(encoding="utf-8")
    for optional in re.findall(r"^>>> (?:import|from) (jax|sklearn|torch)\b", text, flags=re.MULTILINE):
        pytest.importorskip(optional)
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS).run(test, out=told.append)
    assert not told, "".join(told)


def documented():
    text = "".join(page.read_text(encoding="utf-8") for page in (DOCS / "api").glob("*.md"))
    return re.findall(
        r"^\.\. auto(?:function|class|exception|module):: (ouanalysis\.[\w.]+)$", text, flags=re.MULTILINE
    )


@pytest.mark.parametrize("room", ["", "activations", "minima", "symbolic"])
def test_the_reference_has_every_public_name(room):
    listed = [f"ouanalysis.{name}" for name in ou.__all__]
    if room:
        listed = [f"ouanalysis.{room}.{name}" for name in getattr(ou, room).__all__]
        listed = [name for name in listed if name.split(".")[-1] not in ou.__all__ or room == "activations"]
    missing = set(listed) - set(documented()) - {f"ouanalysis.{name}" for name in ("activations", "minima", "symbolic")}
    assert missing == set()


def test_the_reference_has_no_other_names_and_none_twice():
    names = documented()
    assert len(names) == len(set(names))
    for name in names:
        module, _, defined = name.rpartition(".")
        path = ROOT / f"{module.replace('.', '/')}.py"
        if path.is_file():  # which may need PyTorch
            assert defined in defined_names(path), name
        else:
            assert pkgutil.resolve_name(name) is not None, name  # a room that nobody has imported yet too


def test_the_reference_has_the_settings_that_other_libraries_run():
    made = {"from_torch": "torch_module.TorchModule", "from_jax": "jax_function.JaxFunction"}
    assert {name for name in vars(ou.Setting) if name.startswith("from_")} == set(made)
    assert {f"ouanalysis.settings.{kind}" for kind in made.values()} <= set(documented())
