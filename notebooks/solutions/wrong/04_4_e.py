# refused: the twin was asked
plan_b = {"x_m": 12.0, "y_m": 7.0, "azimuth_deg": 90.0}
