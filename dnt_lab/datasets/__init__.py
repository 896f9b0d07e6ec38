"""City maps and traffic: bundled data, synthetic generators, loaders for the user's own downloads."""

from dnt_lab.datasets.bundled import bundled
from dnt_lab.datasets.layouts import rooms, street_grid
from dnt_lab.datasets.maps import CITIES, OSM_ATTRIBUTION, CityMap, load_city, read_footprints

__all__ = ["CITIES", "OSM_ATTRIBUTION", "CityMap", "bundled", "load_city", "read_footprints", "rooms", "street_grid"]
