"""Vertical mapping: from the essentials of an environment and a user's track to the attributes of its link.

>>> from dnt_lab.mapping import vertical
>>> train = vertical.mapping_task(vertical.street_regions(24, seed=1) + vertical.room_regions(24, seed=1))
>>> twins = vertical.train_twins(train, k=2, seed=1)
>>> region = vertical.room_regions(1, seed=2)[0]
>>> vertical.predict(twins.model, twins.serving(vertical.mapping_task([region]))[0], region).gain_db

From the environment to the twin: `raster`, `regions`, `views`, `attributes`, `task`, `model`, `clusters`, `training`,
`predict`; how good it is: `baselines`, `scores`, `calibrate`, `cost`, `transfer`,
`study`.
"""

from dnt_lab.mapping.vertical.attributes import LinkAttributes, beam_towards, direct_azimuth_deg
from dnt_lab.mapping.vertical.baselines import TO_BEAT, baseline_gains_db
from dnt_lab.mapping.vertical.calibrate import calibration_gap, stretch_factor, stretched
from dnt_lab.mapping.vertical.clusters import FEATURES, assign, periodic_clusters, region_features
from dnt_lab.mapping.vertical.cost import mapping_bytes
from dnt_lab.mapping.vertical.model import link_loss, link_model
from dnt_lab.mapping.vertical.predict import Prediction, predict
from dnt_lab.mapping.vertical.raster import Raster, rasterise, reflectivity_of
from dnt_lab.mapping.vertical.regions import Region, room_regions, street_regions, with_boxes
from dnt_lab.mapping.vertical.scores import coverage, f1, joined, link_scores, rmse_db
from dnt_lab.mapping.vertical.study import draw_tasks, predictions, vertical_scores, vertical_study
from dnt_lab.mapping.vertical.task import MappingTask, link_inputs, mapping_task, mirrored
from dnt_lab.mapping.vertical.training import Recipe, VerticalTwins, client_data, train_twins
from dnt_lab.mapping.vertical.transfer import sample_ratio, transfer_curve
from dnt_lab.mapping.vertical.views import ACROSS, clear_of_obstacles, link_scalars, link_views

__all__ = [
    "ACROSS",
    "FEATURES",
    "TO_BEAT",
    "LinkAttributes",
    "MappingTask",
    "Prediction",
    "Raster",
    "Recipe",
    "Region",
    "VerticalTwins",
    "assign",
    "baseline_gains_db",
    "beam_towards",
    "calibration_gap",
    "clear_of_obstacles",
    "client_data",
    "coverage",
    "direct_azimuth_deg",
    "draw_tasks",
    "f1",
    "joined",
    "link_inputs",
    "link_loss",
    "link_model",
    "link_scalars",
    "link_scores",
    "link_views",
    "mapping_bytes",
    "mapping_task",
    "mirrored",
    "periodic_clusters",
    "predict",
    "predictions",
    "rasterise",
    "reflectivity_of",
    "region_features",
    "rmse_db",
    "room_regions",
    "sample_ratio",
    "street_regions",
    "stretch_factor",
    "stretched",
    "train_twins",
    "transfer_curve",
    "vertical_scores",
    "vertical_study",
    "with_boxes",
]
