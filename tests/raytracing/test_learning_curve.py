"""Learning curve: errors by hand, held-out positions that stay so, and what twelve readings at 60 GHz are worth."""

from dataclasses import replace

import numpy as np
import pytest

from dnt_lab.raytracing.calibration import calibrate
from dnt_lab.raytracing.learning_curve import learning_curve
from dnt_lab.raytracing.measurements import read_power_measurements
from dnt_lab.raytracing.tunable import EXPONENT, LOSS_PER_M, OFFSET, LogDistance

from .path_tables import DATA

FREQ_HZ = 60.48e9
DISTANCE_M = np.linspace(5, 60, 80)
MODEL = LogDistance(DISTANCE_M, FREQ_HZ)
FREE_SPACE = LogDistance(DISTANCE_M, FREQ_HZ, (OFFSET,))


def measured_db(noise_db=1.0, seed=0):
    noise = np.random.default_rng(seed).normal(size=80)
    return MODEL.predict_db({"offset_db": 20.0, "exponent": 2.6}) + noise_db * noise


def test_error_falls_to_the_noise_and_a_baseline_stays_above():
    curve = learning_curve({"free space": FREE_SPACE, "tuned": MODEL}, measured_db(), [2, 12, 40], seeds=range(8))
    assert len(curve) == 2 * 8 * 4
    error_db = curve.pivot_table("rmse_db", index="n", columns="model")
    assert error_db.index.tolist() == [0, 2, 12, 40]
    assert np.all(np.diff(error_db["tuned"]) < 0)
    assert error_db.loc[40, "tuned"] == pytest.approx(1.0, abs=0.15)
    assert error_db.loc[40, "free space"] > 1.5 * error_db.loc[40, "tuned"]
    assert curve[curve.n == 0]["noise_db"].isna().all()
    assert curve[curve.n == 40]["noise_db"].mean() == pytest.approx(1.2, abs=0.4)


def test_rows_by_hand_and_the_same_held_out_positions_for_all():
    values_db = measured_db()
    values_db[::2] = np.nan
    curve = learning_curve({"tuned": MODEL}, values_db, [30, 10], seeds=[4])
    order = np.random.default_rng(4).permutation(np.arange(1, 80, 2))
    for n in (0, 10, 30):
        predicted_db = calibrate(MODEL, values_db, order[:n]).predicted_db if n else MODEL.predict_db({})
        error_db = np.abs(predicted_db - values_db)[order[30:]]
        row = curve[curve.n == n].iloc[0]
        assert row.rmse_db == pytest.approx(np.sqrt(np.mean(error_db**2)), rel=1e-12)
        assert row.median_db == pytest.approx(np.median(error_db), rel=1e-12)


def test_groups_are_held_out_whole():
    groups = np.repeat(["a", "b"], 40)
    shifted_db = np.where(groups == "a", measured_db(0.1), measured_db(0.1) - 30)
    apart = learning_curve({"tuned": MODEL}, shifted_db, [20], seeds=range(4), groups=groups)
    mixed = learning_curve({"tuned": MODEL}, shifted_db, [20], seeds=range(4))
    assert apart[apart.n == 20].rmse_db.min() > 1.5 * mixed[mixed.n == 20].rmse_db.max()


def test_positions_without_a_path_do_not_count():
    class Shadow:
        parameters = (OFFSET,)

        def predict_db(self, values):
            return np.where(np.arange(80) < 10, -np.inf, FREE_SPACE.predict_db(values))

    curve = learning_curve({"shadow": Shadow(), "tuned": MODEL}, measured_db(), [30], seeds=[0])
    assert np.isfinite(curve.rmse_db).all()
    with pytest.raises(ValueError, match="of 70 measurements 70 may calibrate and 0 are held out"):
        learning_curve({"shadow": Shadow()}, measured_db(), [70])


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"models": {}}, ValueError, "0 models and 1 counts are given, but one of each is needed"),
        ({"counts": []}, ValueError, "1 models and 0 counts are given"),
        ({"counts": [0]}, ValueError, "A number in counts is 0, but must be 1 or more"),
        ({"counts": [1.5]}, TypeError, "A number in counts is 1.5, but must be a whole number"),
        ({"counts": [80]}, ValueError, "of 80 measurements 80 may calibrate and 0 are held out, but 80 must calibrate"),
        ({"groups": np.repeat([0, 1], 40), "counts": [41]}, ValueError, "40 may calibrate and 40 are held out, but 41"),
        ({"groups": [1, 2]}, ValueError, r"groups has shape \(2,\), but one a position is needed"),
        ({"measured_db": np.zeros(3)}, ValueError, r"measured_db has shape \(3,\), but a model predicts another"),
        ({"seeds": [-1]}, TypeError, "seed is -1, but must be a whole number"),
    ],
)
def test_bad_input_is_refused(change, error, sentence):
    with pytest.raises(error, match=sentence):
        learning_curve(**{"models": {"m": MODEL}, "measured_db": measured_db(), "counts": [5], **change})


def test_twelve_readings_in_a_greenhouse():
    path = DATA / "unal_60ghz_power_vs_position.csv.gz"
    if not path.is_file():
        pytest.skip("the 60 GHz walks are not beside the checkout")
    measured = read_power_measurements(path)
    measured = measured[(measured.distance_m >= 8) & (measured.power_db > -55)]
    open_field = np.char.startswith(measured.run, "01-08")
    field, plants = measured[open_field].aligned(), measured[~open_field].aligned()
    # the open field tells what the receiver's dB are relative to; free space with it is the twin before calibration
    equipment = calibrate(LogDistance(field.distance_m, FREQ_HZ, (OFFSET,)), field.power_db)
    offset = replace(OFFSET, start=equipment.values["offset_db"], prior_std=3.0)
    models = {
        "free space": LogDistance(plants.distance_m, FREQ_HZ, (offset,)),
        "exponent": LogDistance(plants.distance_m, FREQ_HZ, (offset, replace(EXPONENT, prior_std=0.5))),
        "plants": LogDistance(plants.distance_m, FREQ_HZ, (offset, LOSS_PER_M)),
    }
    curve = learning_curve(models, plants.power_db, [3, 12], seeds=range(10))
    error_db = curve.pivot_table("rmse_db", index="n", columns="model")
    assert (error_db.loc[0] > 3).all()
    assert error_db.loc[12, "exponent"] < 1.6
    assert error_db.loc[12, "plants"] < error_db.loc[12, "exponent"] < error_db.loc[12, "free space"]
