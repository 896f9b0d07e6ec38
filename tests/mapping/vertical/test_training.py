"""Training on a tiny task: what clients hold, one seed one twin, losses that fall, two stages on one clock."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from dnt_lab.fl import Connection, Devices, Federation, LocalTraining, fedavg
from dnt_lab.mapping import cluster
from dnt_lab.mapping.vertical import (
    Recipe,
    client_data,
    link_loss,
    link_model,
    mirrored,
    predict,
    region_features,
    train_twins,
)

QUICK = Recipe(rounds=3, own_rounds=2, lr=0.05)


def small_model():
    return link_model(3, (2, 3), 5)


def losses(model, weights, task):
    """Mean loss of each region with its weights."""
    found = []
    for k, x in enumerate(task.inputs):
        said = torch.from_numpy(model.predict(weights[k], x[None]))
        found.append(link_loss(said, torch.from_numpy(task.targets(k).reshape(1, len(x), -1))).mean().item())
    return np.array(found)


@pytest.fixture(scope="module")
def twins(task):
    return train_twins(task, 2, 1, QUICK, model=small_model())


def test_a_client_holds_its_own_samples_and_their_mirror_images(task):
    data, plain = client_data(task), client_data(task, mirror=False)
    assert data.n_samples.tolist() == [12] * 5 and plain.n_samples.tolist() == [6] * 5
    for k, x in enumerate(task.inputs):
        images, image_targets = mirrored(x, task.targets(k))
        np.testing.assert_array_equal(data.x[k], np.concatenate([x, images]))
        np.testing.assert_array_equal(data.y[k], np.concatenate([task.targets(k), image_targets]).reshape(12, -1))
        np.testing.assert_array_equal(plain.x[k], x)


def test_a_seed_names_its_twins(task, twins):
    again, other = (train_twins(task, 2, seed, QUICK, model=small_model()) for seed in (1, 2))
    np.testing.assert_array_equal(again.weights, twins.weights)
    pd.testing.assert_frame_equal(again.history, twins.history)
    assert not np.array_equal(other.weights, twins.weights)


def test_losses_fall_in_every_region(task, twins):
    model = twins.model
    start = losses(model, [model.init(2)] * 5, task)
    short = losses(model, twins.serving(task), task)
    assert (short < start).all()
    longer = train_twins(task, 2, 1, Recipe(rounds=10, own_rounds=4, lr=0.05), model=model)
    assert losses(model, longer.serving(task), task).mean() < short.mean()


def test_first_all_learn_one_model_then_each_cluster_goes_its_own_way(task):
    """The two stages done by hand: averaging over everyone, then rounds at a quarter of the rate, apart."""
    twins = train_twins(task, 2, 4, QUICK, model=small_model())
    labels = cluster(region_features(task), 2, 4).labels
    np.testing.assert_array_equal(twins.clustering.labels, labels)
    data, weights = client_data(task), None
    for stage, (lr, merge_every) in enumerate(((0.05, 1), (0.05 / 4, None))):
        how = LocalTraining(QUICK.epochs, QUICK.batch_size, lr, QUICK.momentum, loss=link_loss)
        federation = Federation(
            twins.model, data, fedavg(), how, groups=labels, merge_every=merge_every, initial=weights, seed=8 + stage
        )
        federation.run((3, 2)[stage])
        weights = federation.weights
        assert np.array_equal(weights[0], weights[1]) == (stage == 0)
    np.testing.assert_array_equal(twins.weights, weights)


def test_two_stages_are_one_history_on_one_clock(task):
    devices = Devices(np.full(5, 1e9), Connection(8e6, 8e6))
    twins = train_twins(
        task, 2, 1, QUICK, model=small_model(), devices=devices, evaluate=lambda f: {"norm": np.linalg.norm(f.weights)}
    )
    history = twins.history
    assert history["round"].tolist() == [1, 2, 3, 4, 5] and history.index.tolist() == [0, 1, 2, 3, 4]
    assert history["norm"].iloc[-1] == pytest.approx(np.linalg.norm(twins.weights))
    assert (history["backhaul_bytes"] > 0).tolist() == [True] * 3 + [False] * 2
    assert (history["access_bytes"] == 5 * 2 * twins.model.n_bytes).all() and (history["arrived"] == 5).all()
    assert (np.diff(history["time_s"], prepend=0.0) > 0).all()


def test_a_bs_that_has_left_does_not_come_back_in_the_second_stage(task):
    connection, gone = Connection(8e6, 8e6), np.full(5, np.inf)
    alone = train_twins(task, 1, 1, QUICK, model=small_model(), devices=Devices(np.full(5, 1e9), connection))
    gone[2] = alone.history["time_s"].iloc[1]  # with the second of three rounds
    devices = Devices(np.full(5, 1e9), connection, leaves_s=gone * 1.001)
    history = train_twins(task, 1, 1, QUICK, model=small_model(), devices=devices).history
    assert history["arrived"].tolist() == [5, 5, 4, 4, 4]


def test_one_cluster_is_one_twin_for_all(task):
    twins = train_twins(task, 1, 1, QUICK, model=small_model())
    assert twins.weights.shape == (1, twins.model.n_parameters) and not twins.clustering.labels.any()
    np.testing.assert_array_equal(twins.serving(task), np.repeat(twins.weights, 5, axis=0))


def test_a_region_is_served_by_the_twin_of_its_cluster(task, twins):
    serving = twins.serving(task)
    np.testing.assert_array_equal(serving, twins.weights[twins.clustering.labels])
    np.testing.assert_array_equal(twins.serving(task[[4, 0]]), serving[[4, 0]])
    region = task.regions[4]
    said = predict(twins.model, serving[4], region)
    assert len(said) == 18 and np.isfinite(said.gain_db).all()


def test_the_model_is_made_for_the_tracks_of_the_task(task):
    twins = train_twins(task[2:4], 1, 0, replace(QUICK, rounds=1, own_rounds=1, mirror=False))
    assert twins.model.input_shape[0] == 3 and np.isfinite(twins.weights).all()


def test_a_recipe_is_two_stages():
    recipe = Recipe(rounds=7, own_rounds=2, lr=0.2, epochs=2, batch_size=3, momentum=0.5)
    assert recipe.stages() == ((7, 0.2, 1), (2, 0.05, None))
    how = recipe.local(0.05)
    assert (how.lr, how.epochs, how.batch_size, how.momentum) == (0.05, 2, 3, 0.5) and how.loss is link_loss


def test_bad_numbers_are_refused(task):
    with pytest.raises(ValueError, match=r"rounds is 0, but must be 1 or more"):
        Recipe(rounds=0)
    with pytest.raises(TypeError, match=r"own_rounds is 1.5, but must be a whole number"):
        Recipe(own_rounds=1.5)
    with pytest.raises(ValueError, match=r"lr is -1, but it must be over 0"):
        Recipe(lr=-1)
    with pytest.raises(ValueError, match=r"k, for 5 BSs, is 6, but must be 1 to 5"):
        train_twins(task, 6, 1, QUICK)
    with pytest.raises(TypeError, match=r"seed is 'x', but must be a whole number, 0 or more"):
        train_twins(task, 2, "x", QUICK)
    with pytest.raises(ValueError, match=r"a sample has shape \(3, 1638\), but link_model\(2 steps"):
        train_twins(task, 2, 1, QUICK, model=link_model(2, (1, 1), 1))
