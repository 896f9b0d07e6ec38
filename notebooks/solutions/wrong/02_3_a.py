# refused: compounds
def affordable_growth(load, months):
    return (1 / load - 1) / months
