# refused: second failure
def fail(network, station):
    branch = {name: array.copy() for name, array in network.items()}
    branch["on"][station] = False
    orphans = branch["serving"] == station
    candidates_dbm = np.where(np.arange(3) == station, -np.inf, branch["power_dbm"])
    branch["serving"][orphans] = candidates_dbm[orphans].argmax(axis=1)
    return branch
