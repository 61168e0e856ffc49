"""The one error that is the user's to mend."""


class InputError(Exception):
    """A bad file, row or knob. Its message is one line: where, what was found, what is valid."""
