# refused: should be
def touched_by_handover(heard, channel, old, new, c):
    users = [u for u in range(len(heard)) if old in heard[u] or new in heard[u]]
    return users
