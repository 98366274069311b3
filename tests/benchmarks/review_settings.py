"""The product's settings, with the floor of the review benchmark among the addresses."""

from evalhub.settings import *  # noqa: F403 -- the point of this file

ROOT_URLCONF = "tests.benchmarks.review_urls"
