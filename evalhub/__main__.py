"""``python -m evalhub``: the command-line client."""

import sys

from evalhub.client.commands import main

if __name__ == "__main__":
    sys.exit(main())
