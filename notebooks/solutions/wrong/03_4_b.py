# refused: sends the wave back to it
plate = {"x_m": -29.0, "y_m": -7.0, "azimuth_deg": 17.0}
