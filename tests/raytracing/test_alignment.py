"""Alignment: a Gaussian in closed form, and a wrong prior over places and materials moved to the truth."""

import numpy as np
import pandas as pd
import pytest

from dnt_lab.raytracing.alignment import align
from dnt_lab.raytracing.materials import FixedLoss
from dnt_lab.raytracing.reweighting import Scenarios
from dnt_lab.raytracing.scene import Scene
from dnt_lab.raytracing.trace import trace

FREQ_HZ = 28e9
FLOOR_DB = -120.0
LOSS_DB = {"metal": 0.5, "glass": 7.0, "wood": 15.0}
BS_M = [0.0, 0.0, 3.0]


def test_a_truth_four_standard_deviations_off_in_closed_form():
    rng = np.random.default_rng(0)
    prior = Scenarios(pd.DataFrame({"x": rng.normal(0.0, 1.0, 2000)}))
    readings = np.array([3.9, 4.1, 4.0, 4.2, 3.8])
    posterior, history = align(
        prior, lambda table: np.repeat(table[["x"]].to_numpy(), 5, axis=1), readings, noise_db=0.5, dof=np.inf, seed=rng
    )
    precision = 1 + 5 / 0.5**2
    assert posterior.mean()["x"] == pytest.approx(4.0 * 20 / precision, abs=0.1)
    assert posterior.std()["x"] == pytest.approx(precision**-0.5, rel=0.15)
    once = prior.reweight(np.repeat(prior.table[["x"]].to_numpy(), 5, axis=1), readings, noise_db=0.5, dof=np.inf)
    assert once.effective_number < 20 < 900 < posterior.effective_number
    assert history["exponent"].is_monotonic_increasing
    assert history["exponent"].iloc[-1] == 1.0
    assert (history["effective_number"] > 990).all()
    assert history["x"].iloc[-1] == posterior.mean()["x"]


def echo_db(table, rx_m):
    """Power of the echo from a locker 6 m long, x_m along the street and gap_m beside it, at receivers (n, 3)."""
    x_m, gap_m = (table[name].to_numpy()[:, None] for name in ("x_m", "gap_m"))
    loss_db = table["wall"].map(LOSS_DB).to_numpy()[:, None]
    share = gap_m / (2 * gap_m - rx_m[:, 1])
    length_m = np.sqrt(rx_m[:, 0] ** 2 + (2 * gap_m - rx_m[:, 1]) ** 2 + (rx_m[:, 2] - BS_M[2]) ** 2)
    seen = np.abs(share * rx_m[:, 0] - x_m - 3.0) <= 3.0
    return np.where(seen, 20 * np.log10(299792458 / FREQ_HZ / 4 / np.pi / length_m) - loss_db, -np.inf)


def receivers(rng, n):
    return np.stack([rng.uniform(10, 60, n), rng.uniform(-2, 2, n), np.full(n, 1.5)], axis=1)


def test_the_echo_by_hand_is_the_tracer_s():
    rx_m = receivers(np.random.default_rng(1), 40)
    table = pd.DataFrame({"x_m": [16.0], "gap_m": [5.0], "wall": ["glass"]})
    locker = Scene.box((16.0, 5.0, 0.0), (22.0, 7.0, 5.0), FixedLoss(7.0, name="glass"))
    paths = trace(locker, BS_M, rx_m, FREQ_HZ, 1, polarised=False)
    with np.errstate(divide="ignore"):
        traced_db = 10 * np.log10(paths[paths.order == 1].power()[0])
    np.testing.assert_allclose(echo_db(table, rx_m)[0], traced_db, atol=1e-9)
    assert np.isfinite(traced_db).sum() > 5


@pytest.mark.parametrize("seed", range(4))
def test_a_wrong_prior_over_places_and_materials_moves_to_the_truth(seed):
    rng = np.random.default_rng(seed)
    rx_m, truth = receivers(rng, 24), pd.DataFrame({"x_m": [16.0], "gap_m": [5.0], "wall": ["metal"]})
    measured_db = np.maximum(echo_db(truth, rx_m)[0], FLOOR_DB) + rng.normal(size=24)
    measured_db[:4] -= 15  # one in six behind something
    prior = Scenarios(
        pd.DataFrame(
            {
                "x_m": rng.normal(9.0, 4.0, 500),
                "gap_m": rng.uniform(3.0, 12.0, 500),
                "wall": rng.choice(list(LOSS_DB), 500, p=[0.2, 0.2, 0.6]),
            }
        )
    )
    posterior, history = align(
        prior, lambda table: echo_db(table, rx_m), measured_db, seed=rng, noise_db=1.0, floor_db=FLOOR_DB
    )
    assert prior.share("wall").index[0] == "wood"
    assert posterior.share("wall")["metal"] > 0.95
    assert abs(posterior.mean()["x_m"] - 16) < min(1.5, 3 * posterior.std()["x_m"])  # 7 before
    assert abs(posterior.mean()["gap_m"] - 5) < 3 * posterior.std()["gap_m"]
    assert posterior.std()["x_m"] < 0.25 * prior.std()["x_m"]
    assert len(history) < 15


def test_bad_input_and_measurements_no_scenario_comes_near_are_refused():
    prior = Scenarios(pd.DataFrame({"x": np.random.default_rng(0).normal(size=50)}))
    with pytest.raises(ValueError, match=r"after 2 rounds only [0-9]% of the likelihood is in, since no scenario"):
        align(prior, lambda table: table[["x"]].to_numpy(), [1e4], seed=0, dof=np.inf, most_rounds=2)
    with pytest.raises(ValueError, match="most_rounds is 0, but must be 1 or more"):
        align(prior, len, [0.0], seed=0, most_rounds=0)
    with pytest.raises(TypeError, match="seed is 'x'"):
        align(prior, len, [0.0], seed="x")
