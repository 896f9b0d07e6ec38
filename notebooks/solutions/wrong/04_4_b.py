# refused: right behind it
plan_b = {"x_m": 9.0, "y_m": 5.2, "azimuth_deg": 90.0}
