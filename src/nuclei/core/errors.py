"""The one error that users can mend themselves."""


class InputError(Exception):
    """A bad file, row or knob. The message is one line: where, what was found, what is valid."""
