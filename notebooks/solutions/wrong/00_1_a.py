# refused: the twin believes
served_by = dnt[name].external["serving BS"]
