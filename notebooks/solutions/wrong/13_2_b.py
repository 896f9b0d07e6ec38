# refused: tau + 1 is 4
share_of = {"constant": 0.6, "polynomial": 0.6 * 3**-0.5, "hinge": 0.12}
