# refused: location
external = {"a", "b", "d"}
