share_of = {"constant": 0.6, "polynomial": 0.6 * 4**-0.5, "hinge": 0.6 / (2 * (3 - 1) + 1)}
