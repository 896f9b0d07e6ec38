# refused: own half
z = [-4, -1.5, -2 / 3, -2]
