"""``python -m benchmarks NAME``."""

import importlib
import os
import sys
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before numpy is imported


def main() -> int:
    """Run the benchmark named on the command line."""
    names = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_"))
    if len(sys.argv) != 2 or sys.argv[1] not in names:
        print(f"usage: python -m benchmarks NAME, with NAME one of {', '.join(names)}", file=sys.stderr)
        return 2
    importlib.import_module(f"benchmarks.{sys.argv[1]}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
