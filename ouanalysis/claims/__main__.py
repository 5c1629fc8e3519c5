"""Check the claims and print the ledger: what each road found, beside what was allowed before it ran."""

import argparse
import io
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from ..experiments import Size
from ..written import json_text
from . import CLAIMS
from .ledger import Laboratory, Row, threshold
from .summary import ledger, summary

WIDTH = 110


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, 1 if a claim failed, 2 for arguments that cannot be used."""
    options = _parser().parse_args(arguments)
    claims = [CLAIMS[name] for name in options.ids or CLAIMS]
    if options.list:
        for claim in claims:
            print(_wrapped(f"{claim.id:{max(map(len, CLAIMS)) + 2}}", claim.statement))
        return 0
    if options.json and not options.json.parent.is_dir():
        print(f"--json: expected a file in a folder that exists, got {options.json}", file=sys.stderr)
        return 2
    size: Size = "quick" if options.quick else "full"
    laboratory, limit = Laboratory(seed=options.seed, size=size), threshold(CLAIMS.values())
    rows: list[Row] = []
    bar = tqdm(claims, disable=not sys.stderr.isatty(), unit="claim")
    for claim in bar:
        bar.set_description(claim.id)
        rows.append(laboratory.check(claim, limit))
        tqdm.write(_shown(rows[-1]))
    found = ledger(rows, seed=options.seed, size=size, limit=limit)
    print(f"\n{textwrap.fill(summary(found), WIDTH)}")
    if options.json:
        options.json.write_text(json_text(found), encoding="utf-8")
    return 1 if any(row.failed for row in rows) else 0


def _shown(row):
    """A claim for the terminal: its verdict and statement, and a line or two for each finding."""
    claim = row.claim
    mark = "FAILED" if row.failed else row.verdict
    lines = [f"{claim.id}  {'.' * max(3, WIDTH - len(claim.id) - len(mark) - 4)}  {mark}"]
    lines.append(textwrap.indent(textwrap.fill(claim.statement, WIDTH - 2), "  "))
    if claim.conditions:
        lines.append(_wrapped("  if          ", claim.conditions))
    for found in row.findings:
        holds = "" if found.holds(row.threshold) else "FAILED  "
        road = "not so if" if found.contrast else found.road
        lines.append(_wrapped(f"  {road:12}", f"{holds}{found.what}: {found}"))
    lines += [_wrapped("  unchecked   ", f"{found.what}: needs the full size") for found in row.unchecked]
    return "\n".join(lines + ([textwrap.indent(row.error.rstrip(), "  | ")] if row.error else []))


def _wrapped(head, text):
    return textwrap.fill(text, WIDTH, initial_indent=head, subsequent_indent=" " * len(head))


def _parser():
    parser = argparse.ArgumentParser(prog="python -m ouanalysis.claims", description=__doc__)
    parser.add_argument("ids", nargs="*", metavar="ID", type=_id, help="which claims; all if none is named")
    parser.add_argument("--list", action="store_true", help="list the claims and stop")
    parser.add_argument("--quick", action="store_true", help="small experiments; says what they cannot judge")
    parser.add_argument("--seed", type=_seed, default=0, metavar="N", help="of all random numbers (default: 0)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the ledger there too")
    return parser


def _id(text):
    if text not in CLAIMS:
        raise argparse.ArgumentTypeError(f"expected one of those that --list lists, got {text!r}")
    return text


def _seed(text):
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected an integer at least 0, got {text!r}")
    return int(text)


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # one that is not UTF-8 still prints the ledger
    sys.exit(main())
