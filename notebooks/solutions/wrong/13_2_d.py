# refused: s for one rule at least
share_of = {"constant": 1.0, "polynomial": 0.3, "hinge": 0.12}
