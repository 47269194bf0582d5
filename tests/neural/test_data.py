"""Data sets, samplers, batches made ahead, and files."""

import gzip
import struct
import sys
import threading
import time

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import load_iris

from ghostflow_learn.neural import NeuralNetClassifier, NeuralNetRegressor
from ghostflow_learn.neural import _data as data


def rows(n=10):
    return np.arange(2.0 * n).reshape(n, 2), np.arange(n)


def test_batches_hold_every_sample_once_and_in_order():
    X, y = rows()
    batches = list(data.DataLoader(data.Dataset(X, y), batch_size=4))
    assert [len(b[1]) for b in batches] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate([b[0] for b in batches]), X)
    np.testing.assert_array_equal(np.concatenate([b[1] for b in batches]), y)


def test_a_small_last_batch_can_be_left_out():
    loader = data.DataLoader(data.Dataset(*rows()), batch_size=4, drop_last=True)
    assert len(loader) == 2
    assert [len(y) for _, y in loader] == [4, 4]


def test_no_batch_size_is_one_batch():
    assert [len(y) for _, y in data.DataLoader(data.Dataset(*rows()), batch_size=None)] == [10]


def test_an_empty_set_has_no_batches():
    assert list(data.DataLoader(data.Dataset(np.empty((0, 2))), batch_size=None)) == []


def test_shuffling_draws_a_new_order_each_epoch_and_a_seed_repeats_it():
    def epochs():
        loader = data.DataLoader(data.Dataset(*rows(50)), batch_size=7, shuffle=True, random_state=0)
        return [np.concatenate([y for _, y in loader]) for _ in range(2)]

    first, again = epochs(), epochs()
    np.testing.assert_array_equal(first, again)
    assert (first[0] != first[1]).any()
    np.testing.assert_array_equal(np.sort(first[1]), np.arange(50))


@pytest.mark.parametrize("prefetch", [1, 3])
def test_batches_made_ahead_are_the_same(prefetch):
    plain, ahead = (
        data.DataLoader(data.Dataset(*rows(50)), 7, shuffle=True, random_state=0, prefetch=n) for n in (0, prefetch)
    )
    for _ in range(2):
        for want, got in zip(plain, ahead, strict=True):
            np.testing.assert_array_equal(got[0], want[0])


def test_a_batch_is_made_while_the_one_before_is_used():
    made = []

    class Slow:
        def __len__(self):
            return 3

        def __getitem__(self, positions):
            made.append(int(positions[0]))
            return (positions,)

    batches = iter(data.DataLoader(Slow(), 1, prefetch=2))
    next(batches)
    for _ in range(200):
        if len(made) == 3:
            break
        time.sleep(0.01)
    assert made == [0, 1, 2]
    batches.close()


def test_leaving_early_ends_the_thread():
    before = threading.active_count()
    for _ in data.DataLoader(data.Dataset(*rows(100)), 1, prefetch=2):
        break
    assert threading.active_count() == before


def test_an_error_in_the_thread_reaches_the_caller():
    def fails(X):
        raise RuntimeError("no such augmentation")

    loader = data.DataLoader(data.Dataset(*rows(), transform=fails), 2, prefetch=2)
    with pytest.raises(RuntimeError, match="no such augmentation"):
        list(loader)


def test_transforms_apply_to_the_inputs_of_a_batch():
    X = np.array([[0, 255], [255, 0]], dtype=np.uint8)
    transform = data.Compose(data.Normalize(127.5, 127.5), lambda X: X * 2)
    (batch,) = data.Dataset(X, transform=transform)[[0, 1]]
    np.testing.assert_array_equal(batch, [[-2, 2], [2, -2]])
    assert batch.dtype == np.float32


def test_a_constant_feature_is_only_centred():
    np.testing.assert_array_equal(data.Normalize([1.0, 2.0], [0.0, 2.0])(np.array([[1.0, 4.0]])), [[0, 1]])


@pytest.mark.parametrize("kind", ["array", "sparse", "frame", "set"])
def test_mean_and_deviation_are_learnt_batch_by_batch(kind, rng):
    X = (rng.normal(1e4, 3, (1000, 3)) * [1, 2, 0] + [0, 0, 7]).astype(np.float32)
    source = {"array": X, "sparse": csr_matrix(X), "frame": pd.DataFrame(X), "set": data.Dataset(X, X[:, 0])}[kind]
    transform = data.Normalize.of(source, batch_size=64)
    np.testing.assert_allclose(transform.mean, X.mean(axis=0, dtype=float), rtol=1e-9)
    np.testing.assert_allclose(transform.std[:2], X[:, :2].std(axis=0, dtype=float), rtol=1e-6)
    assert transform.std[2] == 1
    assert transform(X).dtype == np.float32
    np.testing.assert_allclose(transform(X).std(axis=0), [1, 1, 0], atol=1e-3)


def test_what_a_set_has_been_normalised_by_is_normal():
    first = data.Dataset(np.arange(12.0).reshape(6, 2), transform=data.Normalize(3.0, 2.0))
    again = data.Normalize.of(first, batch_size=4)
    np.testing.assert_allclose(again.mean, [(5 - 3) / 2, (6 - 3) / 2])


def test_targets_become_rows_and_inputs_floats():
    X = np.array([[1, 2], [3, 4]])
    loader = data.DataLoader(data.Dataset(X, [2, 0], transform=data.Cast(), target_transform=data.OneHot(3)))
    ((batch, target),) = loader
    assert batch.dtype == target.dtype == np.float32
    np.testing.assert_array_equal(target, [[0, 0, 1], [1, 0, 0]])
    np.testing.assert_array_equal(data.Cast("int8")([1.0, 2.0]), np.array([1, 2], np.int8))


def test_noise_has_its_deviation_and_is_drawn_anew_from_a_seed():
    def epochs(seed):
        loader = data.DataLoader(data.Dataset(np.zeros((5000, 2)), np.arange(5000)), 1000, random_state=seed)
        loader.augment = data.Noise([0.5, 2.0])
        return [np.concatenate([X for X, _ in loader]) for _ in range(2)]

    first, again = epochs(0), epochs(0)
    np.testing.assert_array_equal(first, again)
    assert (first[0] != first[1]).all()
    np.testing.assert_allclose(first[0].std(axis=0), [0.5, 2.0], rtol=0.05)


def test_mixtures_are_of_two_samples_in_the_proportion_of_their_targets():
    X, y = np.eye(8, dtype=np.float32), np.arange(8)
    weight = np.arange(8.0)
    mixed, target, mixed_weight = data.Mixup(1.0, n_classes=8)((X, y, weight), np.random.RandomState(3))
    assert mixed.dtype == target.dtype == np.float32
    np.testing.assert_allclose(mixed, target)  # sample i is the i-th unit vector, so its code is what it is made of
    np.testing.assert_allclose(mixed.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(mixed @ weight, mixed_weight, rtol=1e-6)
    assert len(np.unique(mixed.max(axis=1).round(5))) <= 2  # one proportion a batch, and 1 where a sample met itself
    assert data.Mixup()((X, None), np.random.RandomState(0))[1] is None


def test_a_net_trains_on_augmented_batches_repeatably():
    X, y = load_iris(return_X_y=True)
    net = lambda augment: NeuralNetClassifier(max_epochs=30, random_state=0, iterator__augment=augment).fit(X, y)
    mixed, again = net(data.Mixup(0.2, n_classes=3)), net(data.Mixup(0.2, n_classes=3))
    np.testing.assert_array_equal(mixed.predict_proba(X), again.predict_proba(X))
    assert mixed.score(X, y) > 0.9
    assert mixed.history_[-1]["train_loss"] > net(None).history_[-1]["train_loss"]
    numbers = NeuralNetRegressor(iterator__augment=data.Noise(0.1), random_state=0).fit(X[:, 1:], X[:, 0])
    assert numbers.score(X[:, 1:], X[:, 0]) > 0.7


def test_transforms_and_augmentation_stay_on_the_gpu(on_gpu):
    X, y = np.arange(8.0).reshape(4, 2), np.arange(4) % 2
    transforms = {"transform": data.Normalize.of(X), "target_transform": data.OneHot(2)}
    batches = []
    for make in (np.asarray, on_gpu):
        loader = data.DataLoader(data.Dataset(make(X), make(y), **transforms), augment=data.Mixup(), random_state=0)
        batches += list(loader)
        batches += list(data.DataLoader(data.Dataset(make(X)), augment=data.Noise(), random_state=0))
    mixed, noisy, mixed_there, noisy_there = batches
    for host, device in zip((*mixed, *noisy), (*mixed_there, *noisy_there), strict=True):
        assert type(device) is type(on_gpu(X))
        np.testing.assert_allclose(device.get(), host, rtol=1e-6)


@pytest.mark.parametrize("augment", [data.Mixup(0.3, n_classes=3), data.Noise(0.1)], ids=["mixup", "noise"])
def test_a_net_augments_on_the_gpu_without_waiting_for_it(augment, on_gpu, counting):
    X, y = load_iris(return_X_y=True)
    net = lambda size: NeuralNetClassifier(max_epochs=2, batch_size=size, random_state=0, iterator__augment=augment)
    waits = []
    for size in (128, 30):
        with counting() as events:
            there = net(size).fit(on_gpu(X), y)
        waits.append(events["sync"])
        np.testing.assert_allclose(there.predict_proba(X), net(size).fit(X, y).predict_proba(X), rtol=1e-3, atol=1e-4)
    assert waits[0] == waits[1]


def test_sparse_rows_become_dense_and_frames_arrays():
    X, _ = rows()
    np.testing.assert_array_equal(data.Dataset(csr_matrix(X))[[3, 1]][0], X[[3, 1]])
    np.testing.assert_array_equal(data.Dataset(pd.DataFrame(X))[[3, 1]][0], X[[3, 1]])


def test_weights_decide_how_often_a_sample_comes():
    sampler = data.WeightedSampler([0, 1, 3], n_draws=4000, random_state=0)
    counts = np.bincount(list(sampler), minlength=3)
    assert counts[0] == 0
    assert 2.6 < counts[2] / counts[1] < 3.4
    assert len(list(data.DataLoader(data.Dataset(np.arange(3)), 1000, sampler=sampler))) == 4


def test_batches_of_arrays_on_a_gpu_stay_there(on_gpu):
    X, y = rows()
    device, host = data.Dataset(on_gpu(X), on_gpu(y)), data.Dataset(X, y)
    for got, want in zip(data.DataLoader(device, 4), data.DataLoader(host, 4), strict=True):
        assert type(got[0]) is type(on_gpu(X))
        np.testing.assert_array_equal(got[0].get(), want[0])


def test_any_iterable_with_a_length_is_a_sampler():
    loader = data.DataLoader(data.Dataset(np.arange(5)), 2, sampler=[4, 0, 4])
    assert [X.tolist() for (X,) in loader] == [[4, 0], [4]]


def test_what_cannot_be_says_why():
    with pytest.raises(ValueError, match=r"same number of samples. Got \[10, 3\]"):
        data.Dataset(rows()[0], np.arange(3))
    with pytest.raises(ValueError, match="A sampler decides"):
        data.DataLoader(data.Dataset(*rows()), sampler=[0], shuffle=True)
    with pytest.raises(ValueError, match="batch_size must be at least 1"):
        data.DataLoader(data.Dataset(*rows()), 0)
    with pytest.raises(ValueError, match="prefetch"):
        data.DataLoader(data.Dataset(*rows()), prefetch=-1)
    with pytest.raises(ValueError, match="not all 0"):
        data.WeightedSampler([0.0, 0.0])
    with pytest.raises(ValueError, match=r"OneHot\(3\) takes class codes in 0 to 2. Got -1 to 3"):
        data.OneHot(3)(np.array([-1, 3]))
    with pytest.raises(ValueError, match="target_transform needs targets"):
        data.Dataset(np.ones((2, 2)), target_transform=data.OneHot(3))
    with pytest.raises(ValueError, match="at least one sample"):
        data.Normalize.of(np.empty((0, 2)))
    with pytest.raises(TypeError, match="Mixup needs inputs that are floats. Got dtype int64"):
        list(data.DataLoader(data.Dataset(np.ones((2, 2), int), np.ones(2)), augment=data.Mixup()))
    with pytest.raises(TypeError, match="augment must return a batch, a tuple of 1. Got None"):
        list(data.DataLoader(data.Dataset(np.ones((2, 2))), augment=lambda batch, rng: None))
    with pytest.raises(ValueError, match="alpha must be positive"):
        data.Mixup(0)
    with pytest.raises(ValueError, match="std must not be negative"):
        data.Noise(-1)


def idx(array, code):
    return struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape) + array.tobytes()


@pytest.mark.parametrize("code, dtype", [(8, ">u1"), (9, ">i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")])
def test_idx_of_every_type_is_read_in_native_order(tmp_path, code, dtype):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    (tmp_path / "plain").write_bytes(idx(array, code))
    (tmp_path / "packed").write_bytes(gzip.compress(idx(array, code)))
    for name in ("plain", "packed"):
        got = data.read_idx(tmp_path / name)
        np.testing.assert_array_equal(got, array)
        assert got.dtype == np.dtype(dtype).newbyteorder("=")


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "no IDX file"),
        (b"PK\3\4", "no IDX file"),
        (b"\0\0\x08\2\0\0", "needs its sizes"),
        (idx(np.zeros((2, 3), np.uint8), 8)[:-1], r"has 17 bytes, but needs 18 bytes for an array of shape \(2, 3\)"),
    ],
)
def test_a_broken_idx_file_says_what_is_wrong(tmp_path, content, message):
    (tmp_path / "broken").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        data.read_idx(tmp_path / "broken")


@pytest.fixture(params=["csv", "parquet"])
def table(request, tmp_path):
    """A file of either kind, and its reader."""
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [0.5, np.nan, 2.5], "name": ["x", "y", "z"]})
    path = tmp_path / f"table.{request.param}"
    if request.param == "parquet":
        pytest.importorskip("pyarrow")
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)
    return path, getattr(data, f"read_{request.param}")


def test_a_table_is_read_with_its_names(table):
    path, read = table
    got = read(path, "name")
    assert got.feature_names == ["a", "b"]
    X, y = got[[0, 1, 2]]
    np.testing.assert_array_equal(X, np.array([[1, 0.5], [2, np.nan], [3, 2.5]], np.float32))
    assert X.dtype == np.float32
    assert y.tolist() == ["x", "y", "z"]


@pytest.mark.parametrize("kind, package", [("csv", "pandas"), ("parquet", "pyarrow")])
def test_a_package_that_is_not_there_is_named(kind, package, monkeypatch):
    monkeypatch.setitem(sys.modules, f"{package}.parquet" if kind == "parquet" else package, None)
    with pytest.raises(ImportError, match=f"read_{kind} needs {package}. Install it"):
        getattr(data, f"read_{kind}")(f"table.{kind}")


def test_columns_of_a_table_are_chosen(table):
    path, read = table
    got = read(path, columns=["b"], dtype="float64")
    assert got.feature_names == ["b"]
    assert got[[0]][0].dtype == np.float64
    assert len(got[[0]]) == 1


def test_a_column_that_is_not_there_or_no_number_is_named(table):
    path, read = table
    with pytest.raises(ValueError, match=r"has no column \['c'\]. Its columns are \['a', 'b', 'name'\]"):
        read(path, "c", columns=["a"])
    with pytest.raises(ValueError, match="Column 'name' of .* no numbers"):
        read(path, "a")
