"""What is known of mobile traffic in Milan: published statistics, and the weekly profiles made from them.

Facts: Telecom Italia Big Data Challenge (Barlacchi et al., Scientific Data 2:150055, 2015; doi:10.7910/DVN/EGZHFV),
ODbL 1.0. Only numbers are kept here, no rows of the data.
"""

from __future__ import annotations

import functools
import json

import numpy as np

from dnt_lab.datasets._checks import one_of
from dnt_lab.datasets.data_files import bundled
from dnt_lab.datasets.traffic import SERVICES

START = np.datetime64("2013-11-01T00", "h")  # local time; a Friday and a holiday


@functools.cache
def milan_facts() -> dict:
    """Return the calibration facts as stored in ``data/milan_facts.json`` (do not change the dictionary)."""
    return json.loads(bundled("milan_facts.json").read_text(encoding="utf-8"))


def hour_of_week(n_hours: int, start: np.datetime64 = START) -> np.ndarray:
    """Return the hour of the week of each hour, 0 = Monday 00:00 to 167, holidays as Sundays, shape (n_hours,)."""
    hours = start.astype("datetime64[h]").astype(np.int64) + np.arange(n_hours)
    days = hours // 24
    weekday = (days + 3) % 7  # day 0, 1 January 1970, was a Thursday
    weekday = np.where(np.isin(days, _holidays()), 6, weekday)
    return weekday * 24 + hours % 24


def is_holiday(n_hours: int, start: np.datetime64 = START) -> np.ndarray:
    """Return whether each hour falls on a public holiday of Milan on a weekday, shape (n_hours,)."""
    hours = start.astype("datetime64[h]").astype(np.int64) + np.arange(n_hours)
    return np.isin(hours // 24, _holidays())


def _holidays() -> np.ndarray:
    return np.array(milan_facts()["holidays"], dtype="datetime64[D]").astype(np.int64)


@functools.cache
def weekly_profile(service: str) -> np.ndarray:
    """Return the mean week of a service: 168 values, Monday 00:00 first, mean 1.

    Internet is measured (25 cells, November). For SMS and calls only one quiet cell's day is known: the mean of its
    log shape (smoothed over three hours) and of internet's, stretched so that the lowest over the highest hour is
    the known night/peak ratio, with internet's differences between days. Treat the two as weak.
    """
    one_of("The service", service, SERVICES)
    internet = np.array(milan_facts()["weekly_profile_monday0"])
    if service == "internet":
        return internet / internet.mean()
    services = milan_facts()["services"]
    log_cell = np.log(services["daily_shape_cell1"][service])
    log_cell = (np.roll(log_cell, 1) + 2 * log_cell + np.roll(log_cell, -1)) / 4
    week = internet.reshape(7, 24)
    workday = week[:5].mean(axis=0)
    log_day = _standard(log_cell) + _standard(np.log(workday))
    log_day *= -np.log(services["night_peak_ratio"][service]) / np.ptp(log_day)
    profile = np.exp(log_day + np.log(week / workday)).ravel()
    return profile / profile.mean()


def _standard(x: np.ndarray) -> np.ndarray:
    return (x - x.mean()) / x.std()
