"""Run the experiments, draw them, and write each picture and, beside it, the numbers that it shows."""

import argparse
import sys
import time
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import numpy as np
from tqdm import tqdm

import ouanalysis

from ..command_line import REFUSED, escape_what_stdout_lacks, is_writable_folder, seed
from ..experiments import Size
from ..written import json_text, plain, resolutions, rounded, together
from . import LONG, NAMES, FileFormat, drawn, save, summary


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, 1 if a figure failed, 2 for arguments that cannot be used."""
    options = _parser().parse_args(arguments)
    if options.list:
        for name in NAMES:
            print(f"{name:{max(map(len, NAMES)) + 2}}{summary(name)}")
        return 0
    size: Size = "quick" if options.quick else "full"
    folder = Path(options.out or ("figures-quick" if options.quick else "figures"))
    if not is_writable_folder(folder):
        return REFUSED
    failed = []
    names = options.names or [name for name in NAMES if options.long or name not in LONG]
    bar = tqdm(names, disable=not sys.stderr.isatty(), unit="figure")
    for name in bar:
        bar.set_description(name)
        started = time.perf_counter()
        try:
            written = make(name, folder, size=size, seed=options.seed, file_format=options.format)
        except Exception as error:
            traceback.print_exc()
            tqdm.write(f"{name}: failed with {type(error).__name__}: {error}", file=sys.stderr)
            failed.append(name)
        else:
            tqdm.write(f"{written}  ({time.perf_counter() - started:.1f} s)")
    if failed:
        print(f"{len(failed)} of {len(names)} figures failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def make(name: str, folder: Path, *, size: Size = "full", seed: int = 0, file_format: FileFormat = "png") -> Path:
    """Run one experiment, write folder/name.<format> and folder/name.json, and give the picture's path.

    What is drawn is what the JSON holds, so a last digit that another machine rounds otherwise is in neither. Both
    files are written whole or, if anything fails, neither.
    """
    experiment = import_module(f"ouanalysis.experiments.{name}")
    result = rounded(experiment.run(np.random.default_rng(seed), size))
    figure = drawn(name, result)
    stated = resolutions(result)
    shown = {
        "figure": name,
        "size": size,
        "seed": seed,
        "version": ouanalysis.__version__,
        "constants": {key: plain(value) for key, value in vars(experiment).items() if key.isupper()},
        **({"resolution": stated} if stated else {}),
        "numbers": plain(result),
    }
    picture = f"{name}.{file_format}"
    with together(folder) as beside:
        save(figure, beside / picture, file_format)
        (beside / f"{name}.json").write_text(json_text(shown), encoding="utf-8")
    return folder / picture


def _parser():
    parser = argparse.ArgumentParser(prog="python -m ouanalysis.figures", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", type=_name, help="which figures; all if none is named")
    parser.add_argument("--list", action="store_true", help="list the figures and stop")
    parser.add_argument("--out", metavar="DIR", help="where to write (default: figures, or figures-quick with --quick)")
    parser.add_argument("--quick", action="store_true", help="small sizes: a check that all is well, not for a paper")
    parser.add_argument("--long", action="store_true", help=f"with those that take minutes: {', '.join(LONG)}")
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="of all random numbers (default: 0)")
    parser.add_argument("--format", choices=("png", "pdf", "svg"), default="png")
    return parser


def _name(text):
    if text not in NAMES:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(NAMES)}, got {text!r}")
    return text


if __name__ == "__main__":
    escape_what_stdout_lacks()
    sys.exit(main())
