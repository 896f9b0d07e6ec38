# refused: -105 dB or more
plate = {"x_m": -29.0, "y_m": -7.0, "azimuth_deg": 57.0}
