"""``python -m tests.bench [NAME …]``: the runner of the benchmarks, all or bench_NAME.py, which prints their tables.

A benchmark is a module ``bench_NAME`` here with ``run() -> Iterable[Row]``.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main() -> None:
    """Print the rows of each benchmark as they are measured."""
    every = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))
    for name in sys.argv[1:] or every:
        module = importlib.import_module(f"tests.bench.bench_{name}")
        print(f"\n{name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
        for row in module.run():
            print(f"  {row}", flush=True)


if __name__ == "__main__":
    main()
