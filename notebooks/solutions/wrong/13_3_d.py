# refused: the root is missing
def nrmse(truth, forecast, divisor):
    rmse = np.mean((truth - forecast) ** 2, axis=1)  # of each cell, shape (K,)
    by = np.ptp(truth, axis=1) if divisor == "range" else truth.mean(axis=1)
    return np.mean(rmse / by)
