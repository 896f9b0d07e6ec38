# refused: errors of both signs
def find_material(angle_deg, loss_db):
    misfit = {}
    for name, material in CANDIDATES.items():
        r = material.reflection(np.cos(np.deg2rad(angle_deg)), FREQ_HZ)  # r_te and r_tm
        predicted_db = -20 * np.log10(np.abs(r[0]))
        misfit[name] = np.mean(predicted_db - loss_db)
    return min(misfit, key=misfit.get)
