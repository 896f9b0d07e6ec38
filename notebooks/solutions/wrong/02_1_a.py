# refused: as it was
def fail(network, station):
    branch = network.copy()
    branch["on"][station] = False
    orphans = branch["serving"] == station
    candidates_dbm = np.where(branch["on"], branch["power_dbm"], -np.inf)
    branch["serving"][orphans] = candidates_dbm[orphans].argmax(axis=1)
    return branch
