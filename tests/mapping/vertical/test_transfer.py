"""Transfer: who learns from what, who is asked about what, and the ratio read off made-up curves."""

import numpy as np
import pandas as pd
import pytest

from dnt_lab.fl import LocalTraining, train
from dnt_lab.mapping.vertical import (
    client_data,
    joined,
    link_loss,
    link_model,
    link_scores,
    mapping_task,
    predict,
    room_regions,
    sample_ratio,
    transfer,
    transfer_curve,
)

STEPS = {"transfer": 40, "scratch": 80}


@pytest.fixture(scope="module", autouse=True)
def few_steps():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transfer, "_STEPS", STEPS)
        yield


@pytest.fixture(scope="module")
def task():
    return mapping_task(room_regions(2, 4, n_tracks=6, n_steps=3))


@pytest.fixture(scope="module")
def model():
    return link_model(3, (2, 3), 4)


@pytest.fixture(scope="module")
def curve(task, model):
    return transfer_curve(model, model.init(9), task, (1, 3), seed=2)


def rmse_on_last_half(model, weights, task):
    rest = task.tracks(slice(3, None))
    said = joined([predict(model, weights, region) for region in rest.regions])
    return link_scores(said, joined(rest.truth))["rmse_db"]


def test_without_a_track_the_twin_from_elsewhere_answers_as_it_is(task, model, curve):
    first = curve.iloc[0]
    assert (first.start, first.tracks, first.links) == ("transfer", 0, 0)
    assert first.rmse_db == pytest.approx(rmse_on_last_half(model, model.init(9), task))


def test_each_start_learns_from_the_first_tracks_of_every_region(task, model, curve):
    assert curve[1:][["start", "tracks", "links"]].to_numpy().tolist() == [
        ["transfer", 1, 6], ["scratch", 1, 6], ["transfer", 3, 18], ["scratch", 3, 18],
    ]  # fmt: skip
    data = client_data(task.tracks(slice(3))).pooled()
    n = int(data.n_samples[0])
    assert n == 2 * 3 * 2  # regions, tracks, mirror images
    for start, weights, steps, lr, pull in (
        ("scratch", model.init(2), STEPS["scratch"], 0.05, 0.0),
        ("transfer", model.init(9), STEPS["transfer"], 0.02, 10.0),
    ):
        for job, (share, rate) in enumerate(((0.75, lr), (0.25, lr / 4))):
            how = LocalTraining(round(share * steps * 8 / n), 8, rate, 0.9, prox=pull / n, loss=link_loss)
            weights = train(model, weights, data, how, seed=2, jobs=job)[0]
        found = curve[(curve.start == start) & (curve.tracks == 3)].rmse_db.item()
        assert found == pytest.approx(rmse_on_last_half(model, weights, task), rel=1e-4)


def test_the_tracks_asked_about_teach_nobody(task, model, curve):
    other = task.tracks(slice(None))
    for truth in other.truth:
        truth.gain_db[9:] -= 30.0
    again = transfer_curve(model, model.init(9), other, (1, 3), seed=2)
    assert (again.los_f1 == curve.los_f1).all() and (again.rmse_db != curve.rmse_db).all()


def test_more_tracks_than_half_are_refused(task, model):
    with pytest.raises(ValueError, match="Each of counts is 4, but must be 1 to 3"):
        transfer_curve(model, model.init(9), task, (4,), seed=2)


def made(scratch_db, transfer_db, links=(10, 20, 40)):
    rows = [("transfer", 0, 0, 9.0)]
    for start, errors in (("scratch", scratch_db), ("transfer", transfer_db)):
        rows += [(start, n // 10, n, e) for n, e in zip(links, errors, strict=True)]
    return pd.DataFrame(rows, columns=["start", "tracks", "links", "rmse_db"])


def test_the_ratio_is_read_at_the_error_that_nothing_ends_at():
    assert sample_ratio(made((6.0, 4.0, 2.0), (3.0, 2.0, 1.0))) == pytest.approx(2.0)
    # half of the way between 10 and 20 links over their logarithm
    assert sample_ratio(made((6.0, 4.0, 2.5), (3.0, 2.0, 1.0))) == pytest.approx(40 / np.sqrt(200))


def test_a_twin_that_is_as_good_at_once_saves_as_much_as_was_tried():
    assert sample_ratio(made((6.0, 4.0, 2.0), (1.9, 1.8, 1.7))) == pytest.approx(4.0)


def test_a_twin_that_never_gets_there_saves_nothing_that_could_be_named():
    assert np.isnan(sample_ratio(made((6.0, 4.0, 2.0), (5.0, 4.0, 3.0))))


def test_equal_starts_save_nothing():
    assert sample_ratio(made((6.0, 4.0, 2.0), (6.0, 4.0, 2.0))) == pytest.approx(1.0)
