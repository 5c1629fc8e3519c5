"""Run each mutant against the tests of its formula: `make mutants`. One that no test finds is a failure.

The tests must pass without a mutant first; then one of them must fail, not end in another way. Two mutants run at a
time, each in a copy of the checkout of its own.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from tempfile import TemporaryDirectory

from documentation import ROOT
from tqdm import tqdm

from .committed import MUTANTS
from .mutant import mapped_tests

JOBS = 2
SECONDS = 300  # a mutant that runs longer than all its tests together has been found
PASSED, FAILED = 0, 1  # of pytest's exit codes


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, or 1 if a mutant survived, if one could not be run, or if the tests fail without any."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("formulas", nargs="*", metavar="FORMULA", help="headings of docs/formulas.md; all if none")
    options = parser.parse_args(arguments)
    mutants = [one for one in MUTANTS if not options.formulas or one.formula in options.formulas]
    tests = mapped_tests()
    needed = sorted({test for one in mutants for test in tests[one.formula]})
    began = time.perf_counter()
    with TemporaryDirectory() as folder:
        copies: Queue[Path] = Queue()
        for job in range(JOBS):
            copies.put(_copied(Path(folder, str(job))))
        print(f"{len(needed)} tests without a mutant ...", flush=True)
        code, output = _pytest(copies.queue[0], [*needed, f"--numprocesses={JOBS}"])
        if code != PASSED:
            print(output, file=sys.stderr)
            return 1
        with ThreadPoolExecutor(JOBS) as pool:
            codes = pool.map(lambda one: _run(copies, one, tests[one.formula]), mutants)
            bar = tqdm(zip(mutants, codes, strict=True), total=len(mutants), disable=not sys.stderr.isatty())
            found = []
            for mutant, (code, output) in bar:
                found.append(code)
                tqdm.write(f"{'found' if code == FAILED else 'SURVIVED' if code == PASSED else 'BROKEN'}  {mutant}")
                if code not in (PASSED, FAILED):
                    tqdm.write(output)
    print(f"{found.count(FAILED)} of {len(mutants)} mutants found in {time.perf_counter() - began:.0f} s")
    return 0 if set(found) <= {FAILED} else 1


def _copied(folder):
    for name in ("ouanalysis", "derivations", "tests", "docs", "figures"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("README.md", "pyproject.toml", "setup.cfg", "CHANGELOG.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def _run(copies, mutant, tests):
    """pytest's exit code and output with the mutant in one of the copies, which is as it was afterwards."""
    copy = copies.get()
    path = copy / mutant.path
    source = path.read_text(encoding="utf-8")
    try:
        path.write_text(mutant.applied(source), encoding="utf-8")
        return _pytest(copy, tests)
    finally:
        path.write_text(source, encoding="utf-8")
        copies.put(copy)


def _pytest(copy, arguments):
    environment = os.environ | {
        "PYTHONPATH": str(copy),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NUMBA_CACHE_DIR": str(copy / ".numba"),
    }
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *arguments]
    try:
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return FAILED, "time out"
    return done.returncode, done.stdout[-3000:] + done.stderr[-1000:]


if __name__ == "__main__":
    sys.exit(main())
