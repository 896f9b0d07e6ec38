# refused: of fidelity
false_share = 0.02
