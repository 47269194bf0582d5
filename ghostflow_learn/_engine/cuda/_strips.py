"""Sums of columns in two stages, without atomics: `strips.cuh`."""

from ._launch import launch

LANES, PARTIALS_PER_BLOCK = 32, 8
ROWS_PER_PARTIAL = 32  # at least
MOST_PARTIALS = 1024


def partials_of(n_rows):
    """(number of partials, rows of each but the last), a function of the shape alone."""
    rows_per_partial = max(ROWS_PER_PARTIAL, -(-n_rows // MOST_PARTIALS))
    return max(1, -(-n_rows // rows_per_partial)), rows_per_partial


def launch_strips(family, kernel, n_rows, n_columns, args):
    """Run a kernel of strips; it gets n_rows, n_columns, the number of partials and their rows after `args`."""
    n_partials, rows_per_partial = partials_of(n_rows)
    grid = (-(-n_partials // PARTIALS_PER_BLOCK), -(-n_columns // LANES))
    args = (*args, n_rows, n_columns, n_partials, rows_per_partial)
    launch(family, kernel, n_columns, args, block=(LANES, PARTIALS_PER_BLOCK), grid=grid)
