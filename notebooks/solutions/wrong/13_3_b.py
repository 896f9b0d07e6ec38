# refused: a standard deviation is not a range
def nrmse(truth, forecast, divisor):
    rmse = np.sqrt(np.mean((truth - forecast) ** 2, axis=1))  # of each cell, shape (K,)
    by = truth.std(axis=1) if divisor == "range" else truth.mean(axis=1)
    return np.mean(rmse / by)
