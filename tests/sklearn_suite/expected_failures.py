"""Tests of scikit-learn that our estimators are known to fail, with the reason of each.

A test is "path/test_file.py::test", all of its parameters, or with "[parameters]" one of them. The list is strict: an
entry that matches no test, or that passes, is an error.
"""

EXPECTED_FAILURES = {}
