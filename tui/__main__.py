"""`python -m tui`: the command line from a checkout, and the engine that the app starts."""

from dempo import main

if __name__ == "__main__":
    main()
