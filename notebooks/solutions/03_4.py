plate = {"x_m": -29.0, "y_m": -7.0, "azimuth_deg": 53.0}
