# refused: broadside to the BS
plan_b = {"x_m": 10.5, "y_m": 5.0, "azimuth_deg": 0.0}
