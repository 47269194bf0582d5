"""A fitted model as JSON that any program can read, and back.

The text holds the parameters, the features in the order in which trees know them, what is predicted without any tree
("baseline"), and the trees: for each iteration a list of them, one for each output, each a list of nodes. A sample
begins at node 0; where a node has a "feature", it goes to node "left" if its value is not above "threshold" (null: not
missing) or its category is one of "left_categories", to node "right" otherwise, and a missing or unknown value goes to
node "missing"; where a node has none, its "value" is added.
"""

import json
import os
from pathlib import Path

import numpy as np

from ghostflow_learn import __version__
from ghostflow_learn._validation._boosting import NODE, TreePredictor, is_scalar_nan

from . import _columns
from ._predictors import bin_mapper

FORMAT = "ghostflow_learn histogram gradient boosting"
SIMPLE = ("n_trees_per_iteration_", "do_early_stopping_", "_use_validation_data", "_n_features", "n_features_in_")
SCORES = ("train_score_", "validation_score_")


def dump(model, file=None):
    """The text, or None where it goes to `file`."""
    mapper = model._bin_mapper
    content = {
        "format": FORMAT,
        "version": __version__,
        "class": type(model).__name__,
        "params": {name: _plain(name, value) for name, value in model.get_params(deep=False).items()},
        "fitted": {name: _plain(name, getattr(model, name)) for name in (*SIMPLE, *SCORES)},
        "feature_names": getattr(model, "feature_names_in_", np.array([])).tolist() or None,
        "classes": _typed(model.classes_) if hasattr(model, "classes_") else None,
        "random": [int(model._random_seed), *(rng.bit_generator.state for rng in _generators(model))],
        "features": _features(model, mapper),
        "baseline": model._baseline_prediction[0].tolist(),
        "iterations": [[_nodes(tree) for tree in trees] for trees in model._predictors],
    }
    text = json.dumps(content, allow_nan=False).replace('{"value":', '\n{"value":')
    if file is None:
        return text
    Path(file).write_text(text + "\n")


def load(cls, source):
    """The model of class `cls` that a text, or the file at a path, holds."""
    is_text = isinstance(source, str) and source.lstrip().startswith("{")
    content = json.loads(source if is_text else Path(os.fspath(source)).read_text())
    kind = content["class"] if content.get("format") == FORMAT else "text of another kind"
    if kind != cls.__name__:
        raise ValueError(f"The source holds a {kind}, not a {cls.__name__} written by to_json.")
    model = cls(**{name: _value(value) for name, value in content["params"].items()})
    for name, value in content["fitted"].items():
        setattr(model, name, np.array(value, dtype=float) if name in SCORES else value)
    if content["feature_names"]:
        model.feature_names_in_ = np.array(content["feature_names"], dtype=object)
    if content["classes"]:
        model.classes_ = _array(content["classes"])
    seed, *states = content["random"]
    model._random_seed = np.uint64(seed)
    model._feature_subsample_rng, model._sampling_rng = np.random.default_rng(), np.random.default_rng()
    for rng, state in zip(_generators(model), states):
        rng.bit_generator.state = state
    _restore_features(model, content["features"])
    model._loss = model._get_loss(None)
    model._baseline_prediction = np.array([content["baseline"]])
    model._predictors = [[_tree(nodes) for nodes in trees] for trees in content["iterations"]]
    return model


def _generators(model):
    return model._feature_subsample_rng, model._sampling_rng


# ---------------------------------------------------------------- values


def _plain(name, value):
    """A value as JSON has it: dictionaries, whose keys need not be text, become {"items": pairs}."""
    if isinstance(value, dict):
        return {"items": [[_plain(name, key), _plain(name, item)] for key, item in value.items()]}
    if isinstance(value, set | frozenset):
        return sorted(_plain(name, item) for item in value)
    if isinstance(value, list | tuple):
        return [_plain(name, item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, np.random.RandomState):
        return None  # its draws are made
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{name}={value!r} cannot be written as JSON. Pickle the model, or set {name} to a name.")


def _value(plain):
    return dict(plain["items"]) if isinstance(plain, dict) else plain


def _typed(array):
    return {"dtype": array.dtype.str, "values": array.tolist()}


def _array(typed):
    return np.array(typed["values"], dtype=typed["dtype"])


# ---------------------------------------------------------------- features


def _features(model, mapper):
    """One entry for each column of the trees."""
    order = model._feature_order()
    categorical = {}
    if model.is_categorical_ is not None:
        categorical = dict(enumerate(model._preprocessor.named_transformers_["encoder"].categories_))
    is_table = bool(categorical) and hasattr(model._preprocessor, "feature_names_in_")
    entries = []
    for column, (feature, edges) in enumerate(zip(order.tolist(), mapper.bin_thresholds_)):
        entry = {"feature": feature, "edges": np.asarray(edges).tolist()}
        if column in categorical:
            categories = categorical[column]
            missing = len(categories) > 0 and (categories[-1] is None or is_scalar_nan(categories[-1]))
            known = categories[: len(categories) - missing]
            entry |= {"categories": _typed(known), "missing": bool(missing), "table": is_table}
        entries.append(entry)
    return entries


def _restore_features(model, entries):
    order = [entry["feature"] for entry in entries]
    categorical = [entry for entry in entries if "categories" in entry]
    edges = [np.array(entry["edges"], dtype=np.float64) for entry in entries]
    mask = np.array(["categories" in entry for entry in entries])
    model.is_categorical_ = model._preprocessor = model._is_categorical_remapped = known = None
    if categorical:
        model._is_categorical_remapped = mask
        model.is_categorical_ = mask[np.argsort(order)]
        values = [_array(entry["categories"]).tolist() + [np.nan] * entry["missing"] for entry in categorical]
        names = model.feature_names_in_ if categorical[0]["table"] else None
        model._preprocessor = _columns.fitted_on_categories(values, model.is_categorical_, names)
        known = [one if is_categorical else None for one, is_categorical in zip(edges, mask)]
    model._bin_mapper = bin_mapper(edges, mask, known, model.max_bins, model._random_seed)


# ---------------------------------------------------------------- trees


def _nodes(tree):
    entries = []
    for node in tree.nodes:
        entry = {"value": float(node["value"]), "count": int(node["count"]), "depth": int(node["depth"])}
        if not node["is_leaf"]:
            left, right = int(node["left"]), int(node["right"])
            threshold = float(node["num_threshold"])
            entry |= {
                "gain": float(node["gain"]),
                "feature": int(node["feature_idx"]),
                "threshold": None if np.isinf(threshold) else threshold,
                "bin": int(node["bin_threshold"]),
                "left": left,
                "right": right,
                "missing": left if node["missing_go_to_left"] else right,
            }
            if node["is_categorical"]:
                del entry["threshold"]
                for key, bitsets in (
                    ("left_categories", tree.raw_left_cat_bitsets),
                    ("left_bins", tree.binned_left_cat_bitsets),
                ):
                    entry[key] = _members(bitsets[node["bitset_idx"]])
        entries.append(entry)
    return entries


def _tree(entries):
    nodes = np.zeros(len(entries), dtype=NODE)
    sets = {"left_categories": [], "left_bins": []}
    for node, entry in zip(nodes, entries):
        node["value"], node["count"], node["depth"] = entry["value"], entry["count"], entry["depth"]
        node["gain"], node["is_leaf"] = entry.get("gain", -1), "feature" not in entry
        if node["is_leaf"]:
            continue
        node["feature_idx"], node["bin_threshold"] = entry["feature"], entry["bin"]
        node["left"], node["right"] = entry["left"], entry["right"]
        node["missing_go_to_left"] = entry["missing"] == entry["left"]
        if "left_bins" in entry:
            node["is_categorical"], node["bitset_idx"] = 1, len(sets["left_bins"])
            for key, members in sets.items():
                members.append(_bitset(entry[key]))
        else:
            node["num_threshold"] = np.inf if entry["threshold"] is None else entry["threshold"]
    binned, raw = (np.array(sets[key], np.uint32).reshape(-1, 8) for key in ("left_bins", "left_categories"))
    return TreePredictor(nodes, binned, raw)


def _members(bitset):
    return [i for i in range(256) if bitset[i // 32] >> np.uint32(i % 32) & 1]


def _bitset(members):
    bitset = np.zeros(8, dtype=np.uint32)
    for i in members:
        bitset[i // 32] |= np.uint32(1 << (i % 32))
    return bitset
