"""Run every benchmark and write ``benchmarks/results.json``."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from benchmarks import epoch, inference, pruning_curve
from spectral_core.provenance import made

SUITES = {"epoch": epoch.run, "pruning_curve": pruning_curve.run, "inference": inference.run}
RESULTS = Path(__file__).with_name("results.json")


def main(names: list[str]) -> None:
    """Run the suites named, or all, and merge what they measure into the results."""
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for name in names or SUITES:
        print(f"{name} …", file=sys.stderr)
        start = time.perf_counter()
        rows = SUITES[name]()
        results[name] = {"rows": rows, "made": made(time.perf_counter() - start, "cpu")}
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
