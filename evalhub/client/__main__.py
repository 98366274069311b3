"""``python -m evalhub.client``: the same as the command ``evalhub``."""

import sys

from evalhub.client.commands import main

if __name__ == "__main__":
    sys.exit(main())
