"""scikit-learn's own test files with our estimators in place of scikit-learn's.

    .venv/bin/python tests/sklearn_suite/run.py          # all files, a process per CPU: make test-sklearn
    .venv/bin/python tests/sklearn_suite/run.py --only linear_model/tests/test_ridge.py -x -k "solver and not sag"
    .venv/bin/python tests/sklearn_suite/run.py --only tests/test_naive_bayes.py --classes GaussianNB --theirs

`--only` takes one or more of scikit-learn's test files, `--classes` limits which of our estimators are put in (the
others stay scikit-learn's), `--theirs` puts in none, to see what fails without us. Everything else goes to pytest.
A test counts if it reaches one of our fits. The whole run fails if less than 98 % of those pass, whatever is expected.
"""

import argparse
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import joblib
import pytest
import sklearn

ROOT = Path(__file__).parents[2]
FILES = [
    "cluster/tests/test_k_means.py",
    "decomposition/tests/test_pca.py",
    "decomposition/tests/test_truncated_svd.py",
    "ensemble/tests/test_bagging.py",
    "ensemble/_hist_gradient_boosting/tests/test_compare_lightgbm.py",
    "ensemble/_hist_gradient_boosting/tests/test_gradient_boosting.py",
    "ensemble/_hist_gradient_boosting/tests/test_monotonic_constraints.py",
    "ensemble/_hist_gradient_boosting/tests/test_warm_start.py",
    "ensemble/tests/test_forest.py",
    "ensemble/tests/test_gradient_boosting.py",
    "ensemble/tests/test_iforest.py",
    "ensemble/tests/test_weight_boosting.py",
    "linear_model/tests/test_base.py",
    "linear_model/tests/test_common.py",
    "linear_model/tests/test_logistic.py",
    "linear_model/tests/test_ridge.py",
    "mixture/tests/test_bayesian_mixture.py",
    "mixture/tests/test_gaussian_mixture.py",
    "mixture/tests/test_mixture.py",
    "neighbors/tests/test_graph.py",
    "neighbors/tests/test_lof.py",
    "neighbors/tests/test_nearest_centroid.py",
    "neighbors/tests/test_neighbors.py",
    "neighbors/tests/test_neighbors_pipeline.py",
    "neural_network/tests/test_mlp.py",
    "neural_network/tests/test_rbm.py",
    "preprocessing/tests/test_common.py",
    "preprocessing/tests/test_data.py",
    "tests/test_naive_bayes.py",
    "tree/tests/test_export.py",
    "tree/tests/test_monotonic_tree.py",
    "tree/tests/test_split.py",
    "tree/tests/test_tree.py",
    # Ours inside scikit-learn's meta-estimators.
    "compose/tests/test_target.py",
    "decomposition/tests/test_incremental_pca.py",
    "ensemble/tests/test_voting.py",
    "feature_selection/tests/test_from_model.py",
    "frozen/tests/test_frozen.py",
    "inspection/tests/test_partial_dependence.py",
    "inspection/tests/test_permutation_importance.py",
    "linear_model/tests/test_ransac.py",
    "metrics/tests/test_score_objects.py",
    "tests/test_kernel_ridge.py",
    "tests/test_multioutput.py",
    "tests/test_pipeline.py",
    "utils/tests/test_response.py",
]


def main(args=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="FILE", default=FILES)
    parser.add_argument("--classes", nargs="*", metavar="NAME", help="our estimators to put in; all by default")
    parser.add_argument("--theirs", dest="classes", action="store_const", const=[], help="put in none of ours")
    options, for_pytest = parser.parse_known_args(args)
    home = Path(sklearn.__file__).parent
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)
    own = [f"--rootdir={home}", "-c", os.devnull, "--import-mode=prepend", "-p", "tests.sklearn_suite.plugin", "-q"]
    if options.classes is not None:
        own.append("--suite-classes=" + ",".join(options.classes))
    if options.only is FILES:
        own.append("--suite-complete")
        if find_spec("xdist"):
            own += ["-n", str(joblib.cpu_count())]
    return pytest.main([*own, "-p", "no:cacheprovider", *for_pytest, *(str(home / file) for file in options.only)])


if __name__ == "__main__":
    sys.exit(main())
