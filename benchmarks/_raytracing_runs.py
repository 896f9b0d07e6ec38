"""One measurement of one tracer, each in a process of its own: CPU time of all threads, peak memory, the paths."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
import shapely

from dnt_lab import datasets, raytracing

FREQ_HZ = 28e9
SEED = 1
USER_HEIGHT_M = 1.5
CANYON_TX_M = (-33.0, 11.0, 32.0)  # that of the street canyon's oracle, in the air over the street
CITY_TX_M = (-300.0, 19.0, 25.0)  # over a street of Munich, above most roofs
CITY_RADIUS_M = 500.0
SMALLEST_CROP_M = 100.0  # where the users are when the city grows around them
_REPEATS, _SHORT_S, _LONG_S = 7, 1.0, 8.0  # so many calls, more if they are short, fewer if they are long


@dataclass(frozen=True)
class Job:
    """What is to be traced: a place ("canyon" or "city"), users, most reflections, and how far the city is kept."""

    place: str
    users: int
    order: int
    crop_m: float | None = None


@dataclass(frozen=True)
class Setting:
    """How Sionna RT does it: rays a transmitter shoots, and the size of its table of candidates."""

    samples: int
    table: int = 1_000_000

    @property
    def name(self) -> str:
        """What to call it in a table."""
        return f"Sionna RT, {self.samples:,} rays" + (f", table {self.table:,}" if self.table != 1_000_000 else "")


DEFAULT = Setting(1_000_000)


def has_sionna() -> bool:
    """Tell whether Sionna RT is installed."""
    return importlib.util.find_spec("sionna") is not None and importlib.util.find_spec("sionna.rt") is not None


@cache
def scene(place: str, crop_m: float | None = None):
    """The canyon of Sionna RT (ours where that is not installed) or Munich, whole or around the BS."""
    if place == "canyon":
        parts = importlib.util.find_spec("sionna")
        for folder in parts.submodule_search_locations if parts else ():
            file = Path(folder, "rt", "scenes", "simple_street_canyon", "simple_street_canyon.xml")
            if file.exists():
                return raytracing.Scene.load(file)
        return raytracing.Scene.street_canyon()
    x, y, _ = CITY_TX_M
    bounds_m = None if crop_m is None else (x - crop_m, y - crop_m, x + crop_m, y + crop_m)
    return raytracing.Scene.from_city("munich", bounds_m=bounds_m)


def nodes(job: Job) -> tuple[np.ndarray, np.ndarray]:
    """Transmitter (3,) and users (R, 3) in metres."""
    rng = np.random.default_rng(SEED)
    if job.place == "canyon":
        plan_m = np.column_stack([rng.uniform(-80, 80, job.users), rng.uniform(-10, 10, job.users)])
        return np.array(CANYON_TX_M), np.column_stack([plan_m, np.full(job.users, USER_HEIGHT_M)])
    city, centre = datasets.load_city("munich"), np.array(CITY_TX_M[:2])
    houses, (xmin, ymin, xmax, ymax) = shapely.union_all(city.footprints), city.bounds_m
    shapely.prepare(houses)
    plan_m, radius_m = np.zeros((0, 2)), CITY_RADIUS_M if job.crop_m is None else SMALLEST_CROP_M
    while len(plan_m) < job.users:
        x, y = centre[:, None] + rng.uniform(-radius_m, radius_m, (2, 4000))
        street = (np.hypot(x - centre[0], y - centre[1]) < radius_m) & ~shapely.contains_xy(houses, x, y)
        street &= (xmin < x) & (x < xmax) & (ymin < y) & (y < ymax)
        plan_m = np.vstack([plan_m, np.column_stack([x, y])[street]])
    return np.array(CITY_TX_M), np.column_stack([plan_m[: job.users], np.full(job.users, USER_HEIGHT_M)])


def in_own_process(job: Job, setting: Setting | None, file: Path) -> dict:
    """Run `measure` in a fresh process; `setting` None is our tracer."""
    arguments = json.dumps([asdict(job), setting and asdict(setting), str(file)])
    code = f"from benchmarks._raytracing_runs import measure; measure({arguments!r})"
    done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(arguments: str) -> None:
    """Time one tracer on one job, save its paths and print a JSON line."""
    job, setting, file = json.loads(arguments)
    job, setting = Job(**job), setting and Setting(**setting)
    tx_m, rx_m = nodes(job)
    if setting:
        import sionna.rt  # noqa: F401  (its own size is no part of a job's memory)
    before_mib = _peak_mib()
    place = scene(job.place, job.crop_m)
    start_s = time.process_time()
    if setting is None:
        raytracing.trace(place, tx_m, rx_m[:1], FREQ_HZ, 0)  # what a scene keeps for all calls is made here
        prepare_s = time.process_time() - start_s
        cpu_s, wall_s, paths = _best(lambda: raytracing.trace(place, tx_m, rx_m, FREQ_HZ, job.order))
    else:
        from dnt_lab.raytracing import sionna_adapter as adapter

        prepared = adapter.sionna_scene(place, tx_m, rx_m, FREQ_HZ, polarization="V")
        adapter.solve(prepared, job.order, 100, table=setting.table)  # compiles
        prepare_s = time.process_time() - start_s

        def run():
            found = adapter.solve(prepared, job.order, setting.samples, table=setting.table)
            np.asarray(found.a[0])  # waits for the threads
            return found

        cpu_s, wall_s, paths = _best(run)
    memory_mib = _peak_mib() - before_mib
    (adapter.from_sionna(prepared, paths) if setting else paths).save(file)
    print(json.dumps({"cpu_s": cpu_s, "wall_s": wall_s, "prepare_s": prepare_s, "memory_mib": memory_mib}))


def _best(call):
    """Least CPU and wall seconds of some calls, and the last result; the first is warm enough only if it is long."""
    cpu_s, wall_s, began_s, took_s = [], [], time.perf_counter(), 0.0
    while took_s < _SHORT_S or (len(cpu_s) < _REPEATS and took_s < _LONG_S):
        start = time.process_time(), time.perf_counter()
        result = call()
        cpu_s.append(time.process_time() - start[0])
        wall_s.append(time.perf_counter() - start[1])
        took_s = time.perf_counter() - began_s
    return min(cpu_s), min(wall_s), result


def _peak_mib() -> float:
    """Peak resident memory of this process in MiB; ru_maxrss would count the parent's up to here."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024
