"""The workbook: what a notebook starts with, checks of exercises, claims; behind them the command line ``dnt-lab``.

>>> from dnt_lab import workbook
>>> from dnt_lab.workbook import checks
>>> lab = workbook.start("01", profile="fast", seed=1)
>>> checks.expect("1.1", 4, equals=4)
1.1 ok

Authors build exercise cells with `dnt_lab.workbook.cells`.
"""

from dnt_lab.workbook import checks
from dnt_lab.workbook.claim_table import Claim, claims
from dnt_lab.workbook.exercises import reveal
from dnt_lab.workbook.session import Settings, start

__all__ = ["Claim", "Settings", "checks", "claims", "reveal", "start"]
