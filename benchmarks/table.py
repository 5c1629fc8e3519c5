"""The results as they are committed: numbers in results.json, and a page that is written from them."""

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import ouanalysis as ou

__all__ = ["keep", "machine", "show"]

HERE = Path(__file__).parent
NUMBERS, PAGE = HERE / "results.json", HERE / "results.md"
LIBRARIES = ("numpy", "numba", "autograd", "jax", "jaxlib", "diffrax", "torch", "torchsde", "sdeint")
CALLED = {
    "ouanalysis": "ouanalysis",
    "c_program": "C program",
    "jax_scan": "JAX",
    "numpy_loop": "NumPy over chains",
    "autograd_loop": "autograd loop",
    "diffrax_euler": "diffrax",
    "torchsde_euler": "torchsde",
    "sdeint_euler": "sdeint",
    "numpy_exact": "NumPy, exact",
}
HEAD = """# Side by side

`make bench` writes this page. Chain-steps per second with the noise drawn, 64 chains (or as many paths as are named),
float64, {threads} threads. The peers take turns, {rounds} rounds of at least {seconds:g} s each; a ratio is our rate
over the peer's, the median over rounds with its quartiles. Every peer is first checked to take steps of the model with
Gaussian noise (`agreement.py`). The first call is from the model to its first steps, compiling included; ours compiles
once and is then found on disk by every process. Rates are this machine's at that hour: look at the ratios.
"""


def machine() -> dict[str, str]:
    """Processor, compiler and versions."""
    gcc = subprocess.run(["gcc", "-dumpfullversion"], capture_output=True, text=True, check=True).stdout.strip()
    versions = {"ouanalysis": ou.__version__, "python": platform.python_version(), "gcc": gcc}
    for library in LIBRARIES:
        try:
            versions[library] = version(library)
        except PackageNotFoundError:
            continue
    return {"processor": _processor(), "cores": str(os.cpu_count()), "system": platform.system(), **versions}


def _processor():
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    facts = dict(line.split("\t: ", 1) for line in lines if "\t: " in line)
    facts = {name.strip(): value for name, value in facts.items()}
    widest = [flags for flags in ("avx512f", "avx2", "sse2") if flags in facts.get("flags", "").split()]
    return f"{facts.get('model name', platform.processor())} ({', '.join(widest[:1])})"


def keep(results: dict[str, dict[str, Any]], **how: Any) -> None:
    """Renew the cases that were run, and the page."""
    kept = json.loads(NUMBERS.read_text(encoding="utf-8")) if NUMBERS.exists() else {}
    about = {"machine": machine(), "date": datetime.now(UTC).date().isoformat(), **how}
    kept |= {name: result | about for name, result in results.items()}
    NUMBERS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(_page(kept), encoding="utf-8")


def show(result: dict[str, Any]) -> str:
    """A case as a Markdown table."""
    lines = [
        f"## {result['title']}",
        "",
        "| | steps/s | ours is | quartiles | first call, s | peak memory, MB |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for peer, of in result["peers"].items():
        ratio, low, high = of["ours"]
        name = CALLED[peer] + (f" ({of['arrangement']})" if of["arrangement"] else "")
        first = f"{of['first_call']:.2g}" + (f" (new: {of['compiled_in']:.2g})" if "compiled_in" in of else "")
        cells = [name, f"{of['rate']:.2g}"]
        cells += ["", ""] if peer == "ouanalysis" else [f"{ratio:.2g}×", f"{low:.2g}–{high:.2g}"]
        lines.append("| " + " | ".join([*cells, first, f"{of['memory'] / 1e6:.0f}"]) + " |")
    return "\n".join(lines) + "\n"


def _page(kept):
    results = list(kept.values())
    machines = {", ".join(f"{name} {value}" for name, value in one["machine"].items()): one["date"] for one in results}
    parts = [HEAD.format(**results[-1]), *map(show, results)]
    parts += [f"Measured {date} on: {text}.\n" for text, date in machines.items()]
    return "\n".join(parts)
