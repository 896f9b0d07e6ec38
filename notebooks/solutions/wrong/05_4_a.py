# refused: of the bytes
false_share = 0.9
