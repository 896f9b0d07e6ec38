"""The first thing a notebook does: hand its parameters over and get validated settings back.

>>> from dnt_lab import workbook
>>> lab = workbook.start("01", profile="fast", seed=1)
>>> lab.pick(fast=50, full=5000)
50
"""

import os
import sys
from dataclasses import dataclass
from numbers import Integral
from typing import TypeVar

from dnt_lab.workbook.names import notebook_number

T = TypeVar("T")

PROFILES = ("fast", "full")
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
_started: list["Settings"] = []


@dataclass(frozen=True)
class Settings:
    """What a notebook runs with; made by `start`.

    Attributes
    ----------
    notebook : str
        Two digits, ``"01"``.
    profile : {"fast", "full"}
        ``"fast"`` is what is stored and tested, ``"full"`` the scale of the article.
    seed : int
        Hand it to every random function.
    """

    notebook: str
    profile: str
    seed: int

    @property
    def full(self) -> bool:
        """True in the profile ``"full"``."""
        return self.profile == "full"

    def pick(self, fast: T, full: T) -> T:
        """Return `fast` or `full`, whichever the profile asks for."""
        return full if self.full else fast


def start(notebook: str | int, profile: str = "fast", seed: int = 0) -> Settings:
    """Validate a notebook's parameters, cap threads, set the figures' look.

    Parameters
    ----------
    notebook : str or int
        The notebook's number, ``"01"`` or ``1``.
    profile : {"fast", "full"}
        Scale of the run.
    seed : int
        Seed of everything random, 0 or more.

    Raises
    ------
    ValueError, TypeError
        With one sentence that names the parameter and what it may be.
    """
    settings = Settings(notebook_number(notebook), check_profile(profile), check_seed(seed))
    _cap_threads()
    _use_style()
    _started[:] = [settings]
    from dnt_lab.workbook import checks

    checks.forget()
    return settings


def current() -> Settings:
    """Return what the last `start` returned.

    Raises
    ------
    RuntimeError
        If this kernel has not called `start` yet.
    """
    if not _started:
        raise RuntimeError("the notebook has not been started: run the cell with workbook.start(...) first")
    return _started[0]


def check_profile(profile: str) -> str:
    """Return `profile` if there is one of that name."""
    if profile not in PROFILES:
        raise ValueError(f'profile is {profile!r}, but it must be "fast" or "full"')
    return profile


def check_seed(seed: int) -> int:
    """Return `seed` as an int if it can seed a generator."""
    if isinstance(seed, bool) or not isinstance(seed, Integral):
        raise TypeError(f"seed is {seed!r}, but it must be a whole number, 0 or more")
    if seed < 0:
        raise ValueError(f"seed is {seed}, but it must be 0 or more")
    return int(seed)


def _cap_threads() -> None:
    # Two threads on a busy two-core machine (or a Binder pod) are slower than one, and change the last digits.
    os.environ.update(ONE_THREAD)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


def _use_style() -> None:
    from dnt_lab import viz  # loads matplotlib, which `import dnt_lab.workbook` alone must not

    if use_style := getattr(viz, "use_style", None):
        use_style()
