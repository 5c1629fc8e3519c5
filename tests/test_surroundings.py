"""What is imported is what stands where one works: the checkout in a checkout, the installed package elsewhere."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WITHOUT_CACHES = shutil.ignore_patterns("__pycache__")


def copy(room, target):
    return shutil.copytree(ROOT / room, target, ignore=WITHOUT_CACHES)


def python(*arguments, cwd, path=""):
    """What a process prints, whose modules are those of the folder it starts in, then of `path`."""
    environment = {**os.environ, "PYTHONPATH": str(path)}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, check=True, cwd=cwd, env=environment
    ).stdout


@pytest.fixture
def checkout(tmp_path):
    """The package and the arguments as they stand in the repository."""
    for room in ("ouanalysis", "derivations"):
        copy(room, tmp_path / "checkout" / room)
    return tmp_path / "checkout"


@pytest.fixture
def installed(tmp_path):
    """The same as `pip install .` lays them out."""
    copy("ouanalysis", tmp_path / "installed" / "ouanalysis")
    copy("derivations", tmp_path / "installed" / "ouanalysis" / "derivations")
    return tmp_path / "installed"


FILE = "import ouanalysis.derivations; print(ouanalysis.derivations.__file__, end='')"


def test_the_derivations_are_those_of_the_checkout_one_works_in(checkout, installed):
    found = python("-c", FILE, cwd=checkout, path=installed)
    assert Path(os.fsdecode(found)) == checkout / "derivations" / "__init__.py"
    assert b"local_ou" in python("-m", "ouanalysis.derivations", cwd=checkout, path=installed)


def test_elsewhere_they_are_those_installed(installed, tmp_path):
    found = python("-c", FILE, cwd=tmp_path, path=installed)
    assert Path(os.fsdecode(found)) == installed / "ouanalysis" / "derivations" / "__init__.py"
    paths = python("-c", "import ouanalysis; print(len(ouanalysis.__path__))", cwd=tmp_path, path=installed)
    assert int(paths) == 1
