# refused: elsewhere
plan = {"n_clusters": 4, "update_period_h": 24, "update_hours": 72, "epochs": 4}
