"""Everything CI runs, step by step: ``python tests/everything.py [STEP ...]``, all steps if none is named.

Each step is one command. It names itself and its time, a failed step does not stop the others, and what there is to
read stands at the end: a line per step and how many passed. The exit code is 1 if one failed.
``make test``, and so ``.ci/run``, runs this file.
"""

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = Path(sys.executable).parent
PYTHON, DNT_LAB = sys.executable, str(SCRIPTS / "dnt-lab")
PYTEST = [PYTHON, "-m", "pytest", "-q", "--durations=5", "--durations-min=5"]
BROWSER_TEST = "tests/notebooks/test_browser.py"
CLAIMS = f"'{DNT_LAB}' claims out/solved/*.ipynb && '{DNT_LAB}' claims --json out/solved/*.ipynb > out/claims.json"


@dataclass(frozen=True)
class Step:
    """One command of the run.

    It counts as hung and is stopped after `minutes`. `quiet` hides what it prints on standard output.
    `skip` says why pytest may find nothing to test (its exit code 5).
    """

    name: str
    title: str
    command: list[str]
    minutes: float = 5
    quiet: bool = False
    skip: str = ""


STEPS = [
    Step("style", "ruff check", [PYTHON, "-m", "ruff", "check", "."]),
    Step("format", "ruff format --check", [PYTHON, "-m", "ruff", "format", "--check", "."]),
    Step("layers", "layers import only downward", [str(SCRIPTS / "lint-imports"), "--no-cache"]),
    Step("structure", "structure of the notebooks", [DNT_LAB, "lint"]),
    Step(
        "unit",
        "unit and property tests, coverage >= 90 %",
        [
            *PYTEST,
            "tests",
            "--ignore=tests/distributed",
            "--ignore=tests/notebooks",
            "--ignore=tests/project",
            "--cov=dnt_lab",
            "--cov-fail-under=90",
        ],
        minutes=20,
    ),
    Step("project", "wheel, environment files, documents", [*PYTEST, "tests/project"]),
    Step("stored", "stored outputs against fresh ones (nbval)", [DNT_LAB, "check"], minutes=15),
    Step(
        "solved",
        "solved copies, strict (papermill)",
        [DNT_LAB, "run", "--solved", "--output", "out/solved"],
        minutes=15,
    ),
    Step("wrong", "wrong answers are refused", [DNT_LAB, "run", "--wrong", "--output", "out/wrong"], minutes=15),
    Step(
        "browser",
        "a browser moves a slider",
        [*PYTEST, "-s", BROWSER_TEST],
        minutes=10,
        skip="no Chromium found on this machine",
    ),
    Step("binder", "repo2docker --no-build", [PYTHON, "-m", "repo2docker", "--no-build", "."], quiet=True),
    Step("claims", "the article's claims, into out/claims.json", ["sh", "-c", CLAIMS]),
]


def run(step: Step) -> str:
    """Run a step; return "passed", or "failed" or "skipped" with the reason."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    try:
        process = psutil.Popen(
            step.command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if step.quiet else None,
        )
    except FileNotFoundError as error:
        return f"failed: {error.filename} is missing"
    try:
        code = process.wait(timeout=step.minutes * 60)
    except psutil.TimeoutExpired:
        return f"failed: stopped after {step.minutes:g} minutes"
    finally:
        end(process)
    if code == 5 and step.skip:
        return f"skipped: {step.skip}"
    return f"failed: exit code {code}" if code else "passed"


def end(process: psutil.Popen) -> None:
    """Kill a process that still runs, with its children."""
    if process.poll() is None:
        family = [*process.children(recursive=True), process]
        for member in family:
            member.kill()
        psutil.wait_procs(family, timeout=10)
        process.wait()


def main() -> int:
    """Run the steps named on the command line, or all; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    names = [step.name for step in STEPS]
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"one of {', '.join(names)}; all if none is named")
    chosen = parser.parse_args().steps
    if unknown := [name for name in chosen if name not in names]:
        parser.error(f"there is no step {unknown[0]}; there are {', '.join(names)}")

    outcomes, lines, began = [], [], time.monotonic()
    for step in [step for step in STEPS if step.name in chosen or not chosen]:
        print(f"\n=== {step.name}: {step.title}", flush=True)
        start = time.monotonic()
        outcomes.append(run(step))
        lines.append(f"{time.monotonic() - start:7.1f} s  {step.name:<10} {step.title:<42} {outcomes[-1]}")
        print(f"=== {step.name}: {outcomes[-1]}", flush=True)
    print("", *lines, f"{time.monotonic() - began:7.1f} s  in all", sep="\n")
    passed, failed, skipped = (sum(o.startswith(word) for o in outcomes) for word in ("passed", "failed", "skipped"))
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
