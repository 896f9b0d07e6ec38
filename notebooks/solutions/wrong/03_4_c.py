# refused: a metre from any house
plate = {"x_m": -29.0, "y_m": -9.5, "azimuth_deg": 54.0}
