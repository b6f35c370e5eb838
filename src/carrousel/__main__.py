"""``python -m carrousel``: the command line."""

import sys

from carrousel.cli import main

if __name__ == "__main__":
    sys.exit(main())
