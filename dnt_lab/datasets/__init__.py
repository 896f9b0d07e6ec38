"""City maps and traffic: bundled data, synthetic generators, loaders for the user's own downloads.

>>> from dnt_lab import datasets
>>> datasets.load_city("florence")
CityMap(Florence: 1322 buildings on 888 m x 1030 m, height median 12.2 m, highest 114.5 m, 51% built)
>>> datasets.synthetic_traffic((5, 5), days=7, seed=1).service("internet").shape
(168, 25)
"""

from dnt_lab.datasets.calibration import (
    autocorrelation,
    block_statistics,
    correlation_by_distance,
    mean_week,
    no_learning_errors,
    weekly_fit,
)
from dnt_lab.datasets.data_files import bundled
from dnt_lab.datasets.dataverse import conversion_report, convert_dataverse, read_dataverse_day
from dnt_lab.datasets.layouts import rooms, street_grid
from dnt_lab.datasets.maps import CITIES, OSM_ATTRIBUTION, CityMap, load_city, read_footprints
from dnt_lab.datasets.milan import hour_of_week, milan_facts, weekly_profile
from dnt_lab.datasets.milan_comparison import block_facts, calibration_table
from dnt_lab.datasets.other_copies import read_fedda, read_kaggle
from dnt_lab.datasets.own_data import own_traffic, read_hourly_csv
from dnt_lab.datasets.registry import available, fetch, record_checksums, verify
from dnt_lab.datasets.synthetic import synthetic_traffic
from dnt_lab.datasets.traffic import SERVICES, Traffic, cell_id
from dnt_lab.datasets.traffic_file import load_traffic, save_traffic

__all__ = [
    "CITIES",
    "OSM_ATTRIBUTION",
    "SERVICES",
    "CityMap",
    "Traffic",
    "autocorrelation",
    "available",
    "block_facts",
    "block_statistics",
    "bundled",
    "calibration_table",
    "cell_id",
    "conversion_report",
    "convert_dataverse",
    "correlation_by_distance",
    "fetch",
    "hour_of_week",
    "load_city",
    "load_traffic",
    "mean_week",
    "milan_facts",
    "no_learning_errors",
    "own_traffic",
    "read_dataverse_day",
    "read_fedda",
    "read_footprints",
    "read_hourly_csv",
    "read_kaggle",
    "record_checksums",
    "rooms",
    "save_traffic",
    "street_grid",
    "synthetic_traffic",
    "verify",
    "weekly_fit",
    "weekly_profile",
]
