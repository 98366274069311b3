"""The product's settings, but that passwords are hashed quickly and static files collected once for all processes."""

import os

from evalhub.settings import *  # noqa: F403 -- the point of this file

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_ROOT = os.environ["EVALHUB_TEST_STATIC"]
