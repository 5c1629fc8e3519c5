"""Run the experiments, the derivations and the claims, and write the one page that shows them."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ..claims.summary import summary
from ..command_line import REFUSED, escape_what_stdout_lacks, is_writable_folder, seed
from ..experiments import Size
from ..written import together
from .contents import contents
from .machine import machine
from .page import page

FILE = "index.html"


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, 1 if a claim or a figure failed, 2 for arguments that cannot be used."""
    options = _parser().parse_args(arguments)
    if not is_writable_folder(options.out):
        return REFUSED
    size: Size = "quick" if options.quick else "full"
    found = contents(seed=options.seed, size=size, said=_timed())
    facts = {"size": size, "seed": str(options.seed), "run time": f"{found.seconds:.0f} s", **machine()}
    with together(options.out) as beside:
        (beside / FILE).write_text(page(found, facts), encoding="utf-8")
    print(f"{options.out / FILE}\n{summary(found.ledger)}")
    failed = found.missing or any(row["failed"] for row in found.ledger["claims"])
    return 1 if failed else 0


def _timed():
    began = time.perf_counter()
    return lambda text: print(f"{time.perf_counter() - began:6.1f} s  {text}", flush=True)


def _parser():
    parser = argparse.ArgumentParser(prog="python -m ouanalysis.report", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help=f"where to write {FILE}")
    parser.add_argument("--quick", action="store_true", help="small experiments: the page says what they cannot judge")
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="of all random numbers (default: 0)")
    return parser


if __name__ == "__main__":
    escape_what_stdout_lacks()
    sys.exit(main())
