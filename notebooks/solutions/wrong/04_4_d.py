# refused: nearer a wall
plan_b = {"x_m": 10.5, "y_m": 4.0, "azimuth_deg": 90.0}
what_if(plan_b)
