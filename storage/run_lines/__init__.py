"""What lists of runs say beside a state, in the app and `dempo list`: how far a run is, who leads, what proves it."""
