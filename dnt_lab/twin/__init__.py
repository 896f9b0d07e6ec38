"""Placeholder docstring; see the package."""
