false_share = 0.4
