# refused: near the stadium
plan = {"n_clusters": 4, "update_period_h": 24, "update_hours": 504, "epochs": 1}
