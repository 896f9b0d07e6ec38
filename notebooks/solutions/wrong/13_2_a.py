# refused: s for one rule at least; the share is alpha times s
share_of = {"constant": 1.0, "polynomial": 0.5, "hinge": 0.2}
