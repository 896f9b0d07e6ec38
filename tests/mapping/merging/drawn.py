"""One scenario that several test files look at, drawn once."""

from functools import cache

from dnt_lab.mapping import merging


@cache
def scenario(seed=0, city="florence"):
    return merging.draw_scenario(seed, city)


@cache
def held(now_h=15.0):
    return merging.gather(scenario(), now_h)
