"""Studies: scores against scipy on drawn truths, rows that must agree, and the order of ways that tables show."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from dnt_lab.mapping import merging
from tests.mapping.merging.drawn import held, scenario


@pytest.fixture(scope="module")
def table():
    return merging.compare(scenario(), 15.0)


def test_an_honest_belief_is_covered_as_often_as_it_says():
    rng = np.random.default_rng(0)
    mean_db, std_db = rng.normal(-100, 9, 20_000), rng.uniform(1, 9, 20_000)
    belief = merging.Belief(mean_db, std_db)
    truth_db = mean_db + std_db * rng.normal(size=20_000)
    row = merging.score(belief, truth_db)
    for percent in (50, 80, 90, 95):
        assert row[f"coverage_{percent}"] == pytest.approx(percent / 100, abs=0.01)
    assert row["log_score"] == pytest.approx(norm.logpdf(truth_db, mean_db, std_db).mean())
    assert row["rmse_db"] == pytest.approx(np.sqrt(np.mean((truth_db - mean_db) ** 2)))


def test_fusion_beats_every_twin_alone_and_the_average(table):
    alone = table.rmse_db[held().names]
    assert table.rmse_db["all calibrated"] < alone.min()
    assert table.rmse_db["all calibrated"] < table.rmse_db["average of all"] < table.rmse_db["all as claimed"]
    assert table.rmse_db["best as claimed"] < table.rmse_db["all as claimed"]
    assert table.rmse_db["maps + samples"] < table.rmse_db["all calibrated"]
    assert table.coverage_90["all as claimed"] < 0.6 < 0.8 < table.coverage_90["maps + samples"]


def test_hindsight_is_no_worse_than_any_coalition(table):
    ways = ["all calibrated", "best calibrated", "positive calibrated", "greedy calibrated", "single calibrated"]
    assert (table.rmse_db[ways] >= table.rmse_db["hindsight calibrated"] - 1e-9).all()
    assert (table.rmse_db[held().names] >= table.rmse_db["hindsight calibrated"] - 1e-9).all()
    assert table.rmse_db["random calibrated"] > table.rmse_db["hindsight calibrated"]


def test_bytes_are_those_of_who_is_asked(table):
    known = held()
    reports = known.reports.n_bytes / 1000
    sizes = {twin.name: twin.n_bytes / 1000 for twin in known.twins}
    for name, size in sizes.items():
        assert table.kbytes[name] == pytest.approx(size + reports)
    assert table.kbytes["average of all"] == pytest.approx(sum(sizes.values()))
    assert table.kbytes["maps + samples"] == pytest.approx(sum(sizes.values()) + reports)
    assert set(table.uses) == {"twins", "reports", "samples", "truth"}
    assert table.rmse_db.dtype == float


def test_over_time_the_change_is_seen_and_partly_mended():
    history = merging.over_time(scenario(), [7, 8, 15])
    assert list(history.index) == [7, 8, 15]
    rmse_db, shaded_db, shapley = (history[part] for part in ("rmse_db", "shaded_db", "shapley"))
    assert (shaded_db.loc[8] > shaded_db.loc[7])[["radio map", "other band", "merged"]].all()
    assert shaded_db.loc[15, "merged"] < 0.75 * shaded_db.loc[8, "merged"]
    assert shaded_db.loc[15, "radio map"] > 0.75 * shaded_db.loc[8, "radio map"]
    assert rmse_db.loc[15, "merged"] < rmse_db.loc[15, "average"]
    known = merging.gather(scenario(), 7)
    np.testing.assert_allclose(shapley.loc[7, known.names], merging.shapley(known.values()))


def test_sight_and_directions_are_counted():
    known, truth = held(), scenario().truth(15.0)
    found = merging.compare_sight(known, truth)
    assert list(found.index) == [*known.names, "all calibrated"]
    assert found.los_brier["all calibrated"] < found.los_brier[["radio map", "statistical", "channel knowledge"]].min()
    los = known.here[0].los
    assert found.los_wrong["radio map"] == pytest.approx(np.mean((los > 0.5) != truth.los))
    turn_rad = np.deg2rad(truth.turn_deg)
    vectors = np.nan_to_num(np.stack([np.cos(turn_rad), np.sin(turn_rad)], axis=1))
    exact = merging.Belief(np.zeros(len(los)), np.ones(len(los)), truth.los, vectors)
    perfect = merging.compare_sight(replace(known, here=[exact] * 6), truth)
    assert perfect.los_wrong.max() == 0
    assert perfect.departure_deg.max() < 1e-6
    assert perfect.within_10_deg.min() == 1


def test_a_curve_is_read_between_its_points():
    curve = pd.DataFrame({"standard": [8.0, 6.0, 6.5, 4.0], "map": [6.0, 5.0, 3.0, 3.0], "bad": [9.0, 9.0, 9.0, 9.0]},
                         index=[10, 20, 40, 80])  # fmt: skip
    assert merging.sample_ratio(curve, "map", at=10) == pytest.approx(20 / 10)
    # 5 dB lies half way between 6 dB at 20, the least until 40, and 4 dB at 80
    assert merging.sample_ratio(curve, "map", at=20) == pytest.approx(np.sqrt(20 * 80) / 20)
    assert merging.sample_ratio(curve, "map", at=40) == pytest.approx(80 / 40)
    assert merging.sample_ratio(curve, "bad", at=40) == pytest.approx(10 / 40)
    assert merging.sample_ratio(curve, "standard", at=20) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="the curve has no source 'moon', but standard, map, bad"):
        merging.sample_ratio(curve, "moon")
    with pytest.raises(ValueError, match="at is 30, but the curve has 10, 20, 40, 80 samples"):
        merging.sample_ratio(curve, "map", at=30)


def test_a_map_of_another_band_saves_samples_and_one_of_another_place_costs_some():
    curve = merging.transfer_curve(0, sizes=(5, 20, 80))
    assert curve.index.name == "samples"
    assert list(curve) == ["standard", "other band", "before the change", "another place"]
    assert merging.sample_ratio(curve, "other band") > 2
    assert merging.sample_ratio(curve, "another place") < 1
    assert (curve.loc[80] < curve.loc[5])[["standard", "another place"]].all()
