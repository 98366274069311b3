"""The one base of every fault whose text a person is shown."""


class EvalHubError(Exception):
    """A fault that a person can do something about; its text is shown to them."""
