# refused: not g itself
def affordable_growth(load, months):
    return np.log(1 / load) / months
