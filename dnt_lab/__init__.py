"""Digital network twins for next-generation wireless, as a workbook and a small exact package.

>>> from dnt_lab import physical, twin
>>> pn = physical.PhysicalNetwork.from_city("florence", n_users=200, seed=1)
>>> dnt = twin.NetworkTwin.mirror(pn)

Sub-packages load on first use, so ``import dnt_lab`` itself costs next to nothing.
"""

from importlib import import_module as _import_module

__version__ = "0.1.0"
__all__ = ["cases", "datasets", "fl", "mapping", "physical", "raytracing", "twin", "viz", "workbook"]


def __getattr__(name: str):
    if name in __all__:
        return _import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__():
    return [*__all__, "__version__"]
