# refused: the clearance is negative
clearance_m = 1.5 + 8.5 * 10 / 40 - 3  # of the van 10 m from the user
blocks_within_m = 40 * (3 - 1.5) / 8.5  # of the user
van = {"clearance_m": clearance_m, "blocks_within_m": blocks_within_m}
