def fail(network, station):
    branch = {name: array.copy() for name, array in network.items()}
    branch["on"][station] = False
    orphans = branch["serving"] == station
    candidates_dbm = np.where(branch["on"], branch["power_dbm"], -np.inf)
    branch["serving"][orphans] = candidates_dbm[orphans].argmax(axis=1)
    return branch
