distance_m = 106e-9 * LIGHT_M_S
