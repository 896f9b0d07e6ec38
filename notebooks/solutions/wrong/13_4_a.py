# refused: half of the eager
plan = {"n_clusters": 1, "update_period_h": 12, "update_hours": 168, "epochs": 2}
