"""Check the claims and print the ledger: what each road found, beside what was allowed before it ran."""

import argparse
import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..command_line import REFUSED, escape_what_stdout_lacks, refuse, seed
from ..experiments import Size
from ..written import json_text
from . import CLAIMS
from .ledger import Laboratory, Row, threshold
from .summary import ledger, summary

WIDTH = 110
INTERRUPTED = 130  # as a shell has it


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, 1 if a claim failed, 2 for arguments that cannot be used."""
    options = _parser().parse_args(arguments)
    claims = [CLAIMS[name] for name in dict.fromkeys(options.ids or CLAIMS)]
    if options.list:
        for claim in claims:
            print(_wrapped(f"{claim.id:{max(map(len, CLAIMS)) + 2}}", claim.statement))
        return 0
    size: Size = "quick" if options.quick else "full"
    laboratory, limit = Laboratory(seed=options.seed, size=size), threshold(CLAIMS.values())
    rows: list[Row] = []

    def so_far() -> dict[str, Any]:
        found = ledger(rows, seed=options.seed, size=size, limit=limit)
        if options.json:
            options.json.write_text(json_text(found), encoding="utf-8")
        return found

    try:
        so_far()  # a file that cannot be written is refused before anything is run
    except OSError as error:
        refuse("--json", "a file", options.json, error)
        return REFUSED
    bar = tqdm(claims, disable=not sys.stderr.isatty(), unit="claim")
    try:
        for claim in bar:
            bar.set_description(claim.id)
            rows.append(laboratory.check(claim, limit))
            so_far()
            tqdm.write(_shown(rows[-1]))
    except KeyboardInterrupt:
        bar.close()
        print(f"\ninterrupted after {len(rows)} of {len(claims)} claims", file=sys.stderr)
        return INTERRUPTED
    print(f"\n{textwrap.fill(summary(so_far()), _width())}")
    return 1 if any(row.failed for row in rows) else 0


def _shown(row):
    """A claim for the terminal: its verdict and statement, and a line or two for each finding."""
    claim = row.claim
    mark = "FAILED" if row.failed else row.verdict
    lines = [f"{claim.id}  {'.' * max(3, _width() - len(claim.id) - len(mark) - 4)}  {mark}"]
    lines.append(_wrapped("  ", claim.statement))
    if claim.conditions:
        lines.append(_wrapped("  if          ", claim.conditions))
    for found in row.findings:
        holds = "" if found.holds(row.threshold) else "FAILED  "
        road = "but not" if found.contrast else found.road
        lines.append(_wrapped(f"  {road:12}", f"{holds}{found.what}: {found}"))
    lines += [_wrapped("  unchecked   ", f"{found.what}: needs the full size") for found in row.unchecked]
    return "\n".join(lines + ([textwrap.indent(row.error.rstrip(), "  | ")] if row.error else []))


def _width():
    return max(60, min(WIDTH, shutil.get_terminal_size((WIDTH, 0)).columns))


def _wrapped(head, text):
    return textwrap.fill(text, _width(), initial_indent=head, subsequent_indent=" " * len(head))


def _parser():
    parser = argparse.ArgumentParser(prog="python -m ouanalysis.claims", description=__doc__)
    parser.add_argument("ids", nargs="*", metavar="ID", type=_id, help="which claims; all if none is named")
    parser.add_argument("--list", action="store_true", help="list the claims and stop")
    parser.add_argument("--quick", action="store_true", help="small experiments; says what they cannot judge")
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="of all random numbers (default: 0)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the ledger there too")
    return parser


def _id(text):
    if text not in CLAIMS:
        near = ", as ".join(["expected one of those that --list lists", *get_close_matches(text.lower(), CLAIMS, 1)])
        raise argparse.ArgumentTypeError(f"{near}, got {text!r}")
    return text


if __name__ == "__main__":
    escape_what_stdout_lacks()
    try:
        sys.exit(main())
    except BrokenPipeError:  # of a reader who has seen enough, as head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
