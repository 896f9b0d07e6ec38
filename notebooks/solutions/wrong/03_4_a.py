# refused: shows you yourself
plate = {"x_m": -29.0, "y_m": -7.0, "azimuth_deg": 90.0}
