"""The figures of failure modes. Pure: each module is handed numbers, and imports neither Django nor models.

Intervals are of 95 %. NumPy and SciPy are imported inside functions; of SciPy only ``scipy.special`` where it will do.
"""
