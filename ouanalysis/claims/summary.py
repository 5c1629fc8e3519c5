"""The ledger as plain data, for a file or a page, and in one sentence."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import sympy

import ouanalysis

from ..written import plain
from .ledger import CHANCE, Row

__all__ = ["ledger", "summary"]

COUNTED = ("certified", "bounded", "measured")  # roads whose findings are of many numbers


def ledger(rows: Sequence[Row], *, seed: int, size: str, limit: float) -> dict[str, Any]:
    """All that the rows say: numbers, strings, lists and dicts."""
    return {
        "version": ouanalysis.__version__,
        "seed": seed,
        "size": size,
        "threshold": round(limit, 3),
        "chance": CHANCE,
        "claims": [_row(row) for row in rows],
    }


def summary(ledger: Mapping[str, Any]) -> str:
    """What a reader wants to know first, in one sentence or two."""
    rows = ledger["claims"]
    found = [one for row in rows for one in row["findings"] if one["holds"]]
    failed = [row["id"] for row in rows if row["failed"]]
    taken = {one["derivation"]: one["steps"] for one in found if one["road"] == "symbolic"}  # two claims may share one
    inside = [one for one in found if not one["contrast"]]
    counts = {road: sum(one["count"] for one in inside if one["road"] == road) for road in COUNTED}
    contrasts = sum(one["contrast"] for one in found)
    in_part = [row["id"] for row in rows if row["unchecked"] and not row["failed"]]
    counted = {
        "steps asserted by SymPy": sum(taken.values()),
        "numbers certified": counts["certified"],
        "numbers within bounds set beforehand": counts["bounded"],
        f"measured values within {ledger['threshold']:.2f} standard errors of their predictions": counts["measured"],
        "contrasts that fail as they must": contrasts,
    }
    listed = ", ".join(f"{count} {what}" for what, count in counted.items() if count)
    whole = len(rows) - len(failed) - len(in_part)
    parts = [f"{whole} of {len(rows)} claims hold: {listed or 'nothing was judged'}."]
    if failed:
        parts.append(f"FAILED: {', '.join(failed)}.")
    if in_part:
        parts.append(f"Only in part, as small experiments cannot judge the rest: {', '.join(in_part)}.")
    return " ".join(parts)


def _row(row):
    claim = row.claim
    return {
        "id": claim.id,
        "statement": claim.statement,
        "latex": sympy.latex(claim.formula, fold_frac_powers=True),
        "source": claim.source,
        "conditions": claim.conditions,
        "verdict": row.verdict,
        "failed": row.failed,
        "error": row.error,
        "experiments": list(claim.experiments),
        "formulas": list(claim.formulas),
        "parameters": {name: plain(value) for name, value in claim.parameters.items()},
        "findings": [_finding(found, row.threshold) for found in row.findings],
        "unchecked": [found.what for found in row.unchecked],
        "seconds": round(row.seconds, 1),
    }


def _finding(found, threshold):
    values = {field.name: plain(getattr(found, field.name)) for field in dataclasses.fields(found)}
    return {
        "road": found.road,
        "contrast": found.contrast,
        **values,
        "holds": found.holds(threshold),
        "text": str(found),
    }
