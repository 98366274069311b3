#!/usr/bin/env python
"""EvalHub's commands: ``python manage.py help`` lists them."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalhub.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    from evalhub.errors import EvalHubError

    try:
        execute_from_command_line(sys.argv)
    except (EvalHubError, ImproperlyConfigured) as error:
        # One sentence, not a traceback: both kinds are made for people.
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
