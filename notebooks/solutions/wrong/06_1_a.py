# refused: what each is worth alone
worth = {"R": 1.2, "C": 0.9, "S": 0.6}
