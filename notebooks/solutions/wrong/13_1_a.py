# refused: four times the samples
def one_round(weights, job):
    local = fl.train(model, weights, three, how, seed=lab.seed, jobs=job)  # shape (3, P), a row a BS
    share = np.full(3, 1 / 3)  # of each BS, shape (3,)
    moved = share @ (local - weights)  # how far the server moves, shape (P,)
    return weights + moved
