plan_b = {"x_m": 9.0, "y_m": 3.5, "azimuth_deg": 105.0}
what_if(plan_b)  # the twin is asked before the room is touched
