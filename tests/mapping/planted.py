"""Cities whose groups are known: offices in the west, homes in the east."""

import numpy as np

from dnt_lab.datasets import synthetic_traffic

OFFICE, HOME = 1, 0


def week_of_offices(n_hours, start):
    """+1 in the working hours of Monday to Friday, else -1."""
    time = start + np.arange(n_hours)
    day = (time.astype("datetime64[D]").astype(int) + 3) % 7
    hour = time.astype(int) % 24
    return np.where((day < 5) & (hour >= 8) & (hour < 18), 1.0, -1.0)


def city(office, days=28, seed=1, strength=0.4):
    """Return synthetic traffic of a 6 x 6 block and its internet series, bent towards offices where `office` (36,)."""
    traffic = synthetic_traffic((6, 6), days=days, seed=seed, services=("internet",))
    values = traffic.service("internet").astype(float)
    bend = week_of_offices(len(values), traffic.start)[:, None] * np.where(office, strength, -strength)
    return traffic, values * np.exp(bend)
