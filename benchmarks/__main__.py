"""The command ``python -m benchmarks [case ...]``, which ``make bench`` is."""

import argparse

from .case import all_cases
from .race import THREADS, race
from .table import keep, show


def main() -> None:
    cases = all_cases()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("cases", nargs="*", choices=[*cases, []], help="all unless named")
    parser.add_argument("--peers", nargs="+", help="beside ourselves; all that the case has unless named")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="that a run takes at least")
    parser.add_argument("--write", action="store_true", help="renew results.json and results.md")
    asked = parser.parse_args()
    how = {"rounds": asked.rounds, "seconds": asked.seconds}
    results = {}
    for name in asked.cases or cases:
        case = cases[name]
        found = race(case, [peer for peer in case.peers if peer in (asked.peers or case.peers)], **how)
        results[name] = {"title": case.title, "peers": found, "chains": case.chains}
        print(show(results[name]), flush=True)
        if asked.write:
            keep(results, threads=THREADS, **how)


if __name__ == "__main__":
    main()
