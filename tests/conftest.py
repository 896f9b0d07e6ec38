"""Settings shared by all tests: one thread, and hypothesis that gives the same examples on every machine."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy and torch start their thread pools

from hypothesis import settings

settings.register_profile("dnt_lab", deadline=None, derandomize=True)
settings.load_profile("dnt_lab")
