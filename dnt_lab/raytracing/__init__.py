"""Twinning data: an exact ray tracer, and what a twin learns from its paths.

>>> from dnt_lab import raytracing
>>> street = raytracing.Scene.street_canyon()
>>> paths = raytracing.trace(street, tx=[-40.0, 0.0, 10.0], rx=[30.0, 2.0, 1.5], freq_hz=28e9, max_order=1)
>>> paths
Paths(4 at 28 GHz: 1 of order 0, 3 of order 1; 1 of 1 links have one)

Where to read what, each line from the idea to its details:

- a scene: `scene`, `scene_builders`, `scene_files` (`ply_file`, `obj_file`, `mitsuba_file`), `mesh_checks`
- what walls do to a wave: `materials`, `itu_table`, `nist`, `fresnel`, `field`
- finding paths: `trace`, `back_trace`, `image_tree`, `visibility`, `occlusion`, `box_tree`, `polygons`, `inside`
- what is found: `paths`, `explain`, `legs`, `channel`, `arrays`, `doppler`, `radio_map`
- what walls scatter: `clusters`, `cluster_statistics`
- many scenes: `scenarios`, `scenario`, `data_set`, `shard`, `recipe`, `export_ns3`, `export_deepmimo`
- a few measurements: `measurements`, `calibration`, `tunable`, `robust_fit`, `learning_curve`, `reweighting`,
  `alignment`
- another tracer on the same scene: `sionna_adapter`
"""

from dnt_lab.raytracing.alignment import align
from dnt_lab.raytracing.arrays import AntennaArray, BestBeams, best_beams, channel_matrix, through_beams
from dnt_lab.raytracing.calibration import Calibration, Parameter, calibrate
from dnt_lab.raytracing.channel import (
    angle_spread_deg,
    delay_spread_s,
    frequency_response,
    impulse_response,
    rician_k_db,
    rms_angle_spread_deg,
)
from dnt_lab.raytracing.cluster_statistics import ClusterStatistics, Cursors
from dnt_lab.raytracing.clusters import diffuse, random_reflection_loss
from dnt_lab.raytracing.data_set import DataSet, load_data_set, make_data_set
from dnt_lab.raytracing.doppler import doppler_hz, time_evolution
from dnt_lab.raytracing.explain import explain
from dnt_lab.raytracing.export_deepmimo import read_deepmimo, write_deepmimo
from dnt_lab.raytracing.export_ns3 import read_ns3, track_steps, write_ns3
from dnt_lab.raytracing.fresnel import complex_permittivity, half_space, slab
from dnt_lab.raytracing.learning_curve import learning_curve
from dnt_lab.raytracing.materials import (
    ITU_MATERIALS,
    FixedLoss,
    ItuMaterial,
    Material,
    itu_material,
    material_of,
)
from dnt_lab.raytracing.measurements import PowerMeasurements, read_power_measurements
from dnt_lab.raytracing.nist import IEEE_802_11AY, MEASURED_60GHZ, NistLibrary, read_nist_library
from dnt_lab.raytracing.paths import Paths, concatenate
from dnt_lab.raytracing.radio_map import RadioMap, radio_map
from dnt_lab.raytracing.reweighting import Scenarios
from dnt_lab.raytracing.scenario import Box, Scenario
from dnt_lab.raytracing.scenarios import ScenarioSpace
from dnt_lab.raytracing.scene import Scene
from dnt_lab.raytracing.sionna_adapter import sionna_trace
from dnt_lab.raytracing.trace import MAX_ORDER, trace
from dnt_lab.raytracing.tunable import EXPONENT, LOSS_PER_M, OFFSET, LogDistance, TracedPower

__all__ = [
    "EXPONENT",
    "IEEE_802_11AY",
    "ITU_MATERIALS",
    "LOSS_PER_M",
    "MAX_ORDER",
    "MEASURED_60GHZ",
    "OFFSET",
    "AntennaArray",
    "BestBeams",
    "Box",
    "Calibration",
    "ClusterStatistics",
    "Cursors",
    "DataSet",
    "FixedLoss",
    "ItuMaterial",
    "LogDistance",
    "Material",
    "NistLibrary",
    "Parameter",
    "Paths",
    "PowerMeasurements",
    "RadioMap",
    "Scenario",
    "ScenarioSpace",
    "Scenarios",
    "Scene",
    "TracedPower",
    "align",
    "angle_spread_deg",
    "best_beams",
    "calibrate",
    "channel_matrix",
    "complex_permittivity",
    "concatenate",
    "delay_spread_s",
    "diffuse",
    "doppler_hz",
    "explain",
    "frequency_response",
    "half_space",
    "impulse_response",
    "itu_material",
    "learning_curve",
    "load_data_set",
    "make_data_set",
    "material_of",
    "radio_map",
    "random_reflection_loss",
    "read_deepmimo",
    "read_nist_library",
    "read_ns3",
    "read_power_measurements",
    "rician_k_db",
    "rms_angle_spread_deg",
    "sionna_trace",
    "slab",
    "through_beams",
    "time_evolution",
    "trace",
    "track_steps",
    "write_deepmimo",
    "write_ns3",
]
