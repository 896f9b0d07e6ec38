# refused: room to grow
def affordable_growth(load, months):
    return load ** (1 / months) - 1
