# refused: only tau - b count
share_of = {"constant": 0.6, "polynomial": 0.3, "hinge": 0.6 / (2 * 3 + 1)}
