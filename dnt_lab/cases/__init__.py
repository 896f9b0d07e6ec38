"""The article's two case studies, each a package of its own.

>>> from dnt_lab.cases import traffic
"""

from dnt_lab.cases import traffic

__all__ = ["traffic"]
