"""Run each mutant against the tests of its formula: `make mutants`, or `make mutants FORMULA="Noise floor"`.

One of them must fail, not end in another way, and pass without the mutant. Two mutants run at a time, each in a copy of
the checkout of its own.
"""

import argparse
import compileall
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from py_compile import PycInvalidationMode
from queue import Queue
from tempfile import TemporaryDirectory

from documentation import ROOT
from tqdm import tqdm

from .committed import MUTANTS
from .mutant import Mutant, mapped_tests

JOBS = 2
SECONDS = 300  # in which a mutant's tests end
PASSED, FAILED = 0, 1  # of pytest's exit codes


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 1 if a mutant survived, if one broke, or if what found one fails without it; else 0."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("formula", nargs="?", help="a heading of docs/formulas.md; all if none")
    formula = parser.parse_args(arguments).formula
    tests = mapped_tests()
    if formula and formula not in tests:
        parser.error(f"expected a heading of docs/formulas.md, got {formula!r}")
    mutants = [one for one in MUTANTS if formula in (one.formula, None)]
    began, finders = time.perf_counter(), []
    with TemporaryDirectory() as folder, ThreadPoolExecutor(JOBS) as pool:
        copies: Queue[Path] = Queue()
        for copy in pool.map(_copied, [Path(folder, str(job)) for job in range(JOBS)]):
            copies.put(copy)
        runs = pool.map(lambda one: _run(copies, one, tests[one.formula]), mutants)
        for mutant, (code, output, seconds) in tqdm(zip(mutants, runs, strict=True), total=len(mutants), disable=None):
            finder = re.search(r"^(?:FAILED|ERROR) (.*?)( - .*)?$", output, flags=re.MULTILINE)
            found = code == FAILED and finder is not None
            verdict = "found" if found else "SURVIVED" if code == PASSED else "BROKEN"
            tqdm.write(f"{verdict} in {seconds:.0f} s  {mutant}  {finder[0] if finder else ''}")
            if verdict == "BROKEN":
                tqdm.write(output)
            finders += [finder[1]] if found else []
        if finders:
            code, output, _ = _pytest(copies.get(), [*sorted(set(finders)), f"--numprocesses={JOBS}"])
    if finders and code != PASSED:
        print(f"without a mutant:\n{output}")
    print(f"{len(finders)} of {len(mutants)} mutants found in {time.perf_counter() - began:.0f} s")
    return int(code != PASSED or len(finders) < len(mutants))


def _copied(folder):
    """The checkout's folder of tests and what they read, with bytecode that goes by the text of a file."""
    for name in ("ouanalysis", "derivations", "tests", "docs", "figures"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.cfg", "README.md"):
        shutil.copy(ROOT / name, folder / name)
    compileall.compile_dir(folder / "ouanalysis", quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
    return folder


def _run(copies: Queue[Path], mutant: Mutant, tests: list[str]) -> tuple[int, str, float]:
    """As `_pytest`, with the mutant in one of the copies, which is as it was afterwards."""
    copy = copies.get()
    path = copy / mutant.path
    kept = path.with_suffix(".kept")
    source = mutant.source(copy)
    path.rename(kept)
    try:
        path.write_text(source, encoding="utf-8")
        return _pytest(copy, tests)
    finally:
        kept.replace(path)
        copies.put(copy)


def _pytest(copy: Path, arguments: list[str]) -> tuple[int, str, float]:
    """pytest's exit code, its output and how long it took."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(copy), str(copy / "tests")]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "COLUMNS": "400",  # of pytest's lines, which end with the reason
        "NUMBA_CACHE_DIR": str(copy / ".numba"),
    }
    options = ["-x", "--quiet", "--tb=short", "-p", "no:cacheprovider", "-p", "mutants.imported"]
    began = time.perf_counter()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *arguments],
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return -1, f"expected an end within {SECONDS} s", SECONDS
    return done.returncode, done.stdout + done.stderr, time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
