# refused: the mean is asked for
z = [-4.5, -4.5, -2, 1.5]
