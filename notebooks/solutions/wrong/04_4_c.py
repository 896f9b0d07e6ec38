# refused: x_m from 9 to 12
plan_b = {"x_m": 3.0, "y_m": 5.0, "azimuth_deg": 90.0}
