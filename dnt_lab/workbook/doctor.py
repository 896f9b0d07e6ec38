"""What this machine needs for the workbook, whether it is there, and how to mend it if not."""

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata

MIN_FREE_MIB = 900
INSTALL = "in the checkout, run: make venv (or pip install -e . -c constraints.txt)"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    status : {"ok", "note", "missing"}
        ``"note"``: the notebooks run without it.
    what : str
        What was found.
    mend : str
        How to mend it; empty if nothing is to be mended.
    """

    status: str
    what: str
    mend: str = ""


def examine() -> list[Finding]:
    """Look at everything and return what was found, in the order in which one would mend it."""
    return [finding for look in LOOKS for finding in look()]


def _python() -> Iterator[Finding]:
    from packaging.specifiers import SpecifierSet

    version, wanted = platform.python_version(), metadata.metadata("dnt-lab")["Requires-Python"]
    if version in SpecifierSet(wanted):
        yield Finding("ok", f"Python {version}")
    else:
        yield Finding("missing", f"Python {version} is not {wanted}", f"install a Python {wanted}, then make venv")


def _packages() -> Iterator[Finding]:
    from packaging.requirements import Requirement

    good = 0
    for requirement in map(Requirement, metadata.requires("dnt-lab") or ()):
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield Finding("missing", f"package {requirement.name} is not installed", INSTALL)
            continue
        if requirement.specifier.contains(version, prereleases=True):
            good += 1
        else:
            yield Finding("missing", f"package {requirement.name} is {version}, not {requirement.specifier}", INSTALL)
    yield Finding("ok", f"{good} packages in the versions asked for")


def _kernel() -> Iterator[Finding]:
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    register = f"{sys.executable} -m ipykernel install --sys-prefix"
    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        yield Finding("missing", "Jupyter has no kernel python3", f"run: {register}")
        return
    interpreter = shutil.which(spec.argv[0]) or spec.argv[0]
    if os.path.basename(spec.argv[0]).startswith("python") and not os.path.isabs(spec.argv[0]):
        interpreter = sys.executable  # Jupyter itself replaces a bare "python" by its own interpreter
    if os.path.exists(interpreter) and os.path.samefile(
        os.path.realpath(interpreter), os.path.realpath(sys.executable)
    ):
        yield Finding("ok", "kernel python3 runs this Python")
    else:
        yield Finding("missing", f"kernel python3 runs {interpreter}, not this Python", f"run: {register}")


def _notebooks() -> Iterator[Finding]:
    from dnt_lab.workbook.notebooks import all_notebooks, notebooks_folder

    try:
        folder = notebooks_folder()
    except FileNotFoundError as error:
        yield Finding("missing", str(error), "the wheel has no notebooks: get them with the checkout")
        return
    yield Finding("ok", f"{len(all_notebooks(folder))} notebooks in {folder}")


def _data() -> Iterator[Finding]:
    from dnt_lab import datasets

    table = datasets.available()
    for name in table.index[table["bundled"]]:
        try:
            datasets.verify(name)
        except (OSError, ValueError) as error:
            yield Finding("missing", f"bundled data {name}: {error}", "restore the folder data from the repository")
        else:
            yield Finding("ok", f"bundled data {name}")


def _threads() -> Iterator[Finding]:
    if os.environ.get("OMP_NUM_THREADS") == "1":
        yield Finding("ok", "one thread (OMP_NUM_THREADS=1)")
    else:
        yield Finding(
            "note",
            "OMP_NUM_THREADS is not 1; notebooks set it themselves, your own scripts do not",
            "export OMP_NUM_THREADS=1 where results must agree to the last printed digit",
        )
    if os.environ.get("PYTHONDONTWRITEBYTECODE"):
        yield Finding("note", "Python writes no bytecode, so imports take longer", "unset PYTHONDONTWRITEBYTECODE")


def _memory() -> Iterator[Finding]:
    import psutil

    free_mib = psutil.virtual_memory().available // 2**20
    if free_mib >= MIN_FREE_MIB:
        yield Finding("ok", f"{free_mib} MiB of memory free")
    else:
        yield Finding(
            "missing", f"{free_mib} MiB of memory free, a notebook needs {MIN_FREE_MIB}", "close other programs"
        )


def _optional() -> Iterator[Finding]:
    if any(shutil.which(name) for name in CHROMIUM_NAMES):
        yield Finding("ok", "Chromium, for the browser test")
    else:
        yield Finding("note", "no Chromium; only the browser test needs it", "install the package chromium")
    try:
        yield Finding("ok", f"nbgrader {metadata.version('nbgrader')}, for instructors")
    except metadata.PackageNotFoundError:
        yield Finding("note", "no nbgrader; only grading needs it", "pip install nbgrader")


LOOKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _python, _packages, _kernel, _notebooks, _data, _threads, _memory, _optional,
)  # fmt: skip
