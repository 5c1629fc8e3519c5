"""List the derivations, or run the one that is named."""

import argparse
import pkgutil
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from . import derivation

# How an argument is written down, which is no derivation.
WRITING = {"block", "derivation", "latex", "line", "notation", "prose", "terms"}
NAMES = sorted(
    module.name
    for module in pkgutil.iter_modules([str(Path(__file__).parent)])
    if module.name[0] != "_" and module.name not in WRITING
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Without a name one line for each derivation; with one, what its own module prints."""
    parser = argparse.ArgumentParser(prog="python -m ouanalysis.derivations", description=__doc__)
    parser.add_argument(
        "name", nargs="?", choices=NAMES, metavar="NAME", help="which to run; without it they are listed"
    )
    parser.add_argument("--latex", action="store_true", help="print a LaTeX document that compiles as it is")
    options = parser.parse_args(arguments)
    if options.name:
        derivation.main(_module(options.name).derive, ["--latex"] if options.latex else [])
        return
    if options.latex:
        parser.error("--latex: expected the name of a derivation beside it, got none")
    width = max(map(len, NAMES)) + 2
    derivation.show("\n".join(f"{name:{width}}{(_module(name).__doc__ or '').splitlines()[0]}" for name in NAMES))


def _module(name):
    return import_module(f"{__package__}.{name}")


if __name__ == "__main__":
    main()
