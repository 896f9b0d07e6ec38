# refused: what each adds to the other two
worth = {"R": 0.6, "C": 0.3, "S": 0.0}
