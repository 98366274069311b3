#!/usr/bin/env python
"""EvalHub's commands: ``python manage.py help`` lists them."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalhub.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db.utils import OperationalError

    from evalhub.errors import EvalHubError
    from evalhub.serving.commands import servers_for

    try:
        with servers_for(sys.argv[1:]):
            execute_from_command_line(sys.argv)
    except (EvalHubError, ImproperlyConfigured) as error:
        # One sentence, not a traceback: both kinds are made for people.
        sys.exit(f"{error}")
    except OperationalError as error:
        sys.exit(f"The database does not answer: {error}")


if __name__ == "__main__":
    main()
