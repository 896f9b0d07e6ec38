plan_b = {"x_m": 9.0, "y_m": 3.5, "azimuth_deg": 105.0}
