"""`python -m tui`: the command line from a checkout."""

from tui.cli import main

if __name__ == "__main__":
    main()
