"""What a name that is not there may have been meant to be."""

from difflib import get_close_matches


def hint(name, known):
    """A question that names what `name` may have been meant to be, or a list of what there is."""
    close = get_close_matches(name, list(known), 1)
    return f" Did you mean {close[0]!r}?" if close else f" There are: {', '.join(sorted(known))}."
