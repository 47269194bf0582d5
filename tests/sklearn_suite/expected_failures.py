"""Tests of scikit-learn that our estimators are known to fail, with the reason of each.

A test is "path/test_file.py::test", all of its parameters, or with "[parameters]" one of them. The list is strict: an
entry that matches no test, or that passes, is an error.
"""

COPY_X = "demands that copy_X=False overwrites X; ours never does, as no solver needs to"

PRIVATE = "uses a private method or attribute of scikit-learn's class"

ARRAY_API = "demands the array API tag; ours takes CuPy and torch arrays, and no other namespace"

FIXED_POINT = (
    "compares, to 1e-7, a model of weighted samples with one of repeated samples: ours adds gradients in fixed point, "
    "whose unit is the largest of them divided by 2^17 or less"
)

CHUNKS = "counts the chunks in which scikit-learn's own module scores; ours needs no memory that chunks would save"

MEMORY = "demands a MemoryError for a limit that no tree comes to; ours takes memory for the leaves that a tree has"

CRITERION = "passes an object of scikit-learn's compiled criteria, which its own documentation does not have"

JOBLIB = "counts what a joblib backend of its own is given; ours grows all trees on its own threads"

FOREST = "ensemble/tests/test_forest.py"

HGB = "ensemble/_hist_gradient_boosting/tests/test_gradient_boosting.py"

MIXTURE = "mixture/tests/test_gaussian_mixture.py"

EXPECTED_FAILURES = {
    "cluster/tests/test_k_means.py::test_sample_weight_init": PRIVATE,
    "cluster/tests/test_k_means.py::test_sample_weight_zero": PRIVATE,
    f"{HGB}::test_early_stopping_with_sample_weights": PRIVATE,
    f"{HGB}::test_sample_weight_effect": FIXED_POINT,
    "ensemble/tests/test_iforest.py::test_iforest_chunks_works1": CHUNKS,
    "ensemble/tests/test_iforest.py::test_iforest_chunks_works2": CHUNKS,
    f"{FOREST}::test_backend_respected": JOBLIB,
    f"{FOREST}::test_class_weights_forest": PRIVATE,
    f"{FOREST}::test_max_samples_geq_one": PRIVATE,
    f"{FOREST}::test_mse_criterion_object_segfault_smoke_test": CRITERION,
    f"{FOREST}::test_oob_not_computed_twice": PRIVATE,
    f"{FOREST}::test_validate_y_class_weight": PRIVATE,
    "linear_model/tests/test_base.py::test_inplace_data_preprocessing[42-True-None]": COPY_X,
    "linear_model/tests/test_base.py::test_inplace_data_preprocessing[42-False-None]": COPY_X,
    "mixture/tests/test_bayesian_mixture.py::test_compare_covar_type": PRIVATE,
    f"{MIXTURE}::test_gaussian_mixture_all_init_does_not_estimate_gaussian_parameters": PRIVATE,
    f"{MIXTURE}::test_gaussian_mixture_precisions_init": PRIVATE,
    "neural_network/tests/test_mlp.py::test_gradient": PRIVATE,
    "tree/tests/test_tree.py::test_huge_allocations": MEMORY,
    "tests/test_pipeline.py::test_feature_union_array_api_support_tag": ARRAY_API,
}
