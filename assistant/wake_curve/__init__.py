"""`assistant bench wake`: the wake phrase measured on recordings of a user's own."""
