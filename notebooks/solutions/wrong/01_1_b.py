# refused: asks for
external = {"b", "d"}
