"""One line per event. (Draft.)"""
import logging


def line_formatter() -> logging.Formatter:
    return logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s")
