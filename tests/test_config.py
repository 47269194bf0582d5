import threading

import pytest
from sklearn.utils.parallel import Parallel, delayed

import ghostflow_learn as gl


def device_and_threads():
    config = gl.get_config()
    return config["device"], config["n_threads"]


def test_context_restores_what_was_set_before():
    with gl.config_context(device="reference", n_threads=3):
        with gl.config_context(device="cpu"):
            assert device_and_threads() == ("cpu", 3)
        assert device_and_threads() == ("reference", 3)
    assert device_and_threads() == ("auto", None)


def test_context_restores_after_an_error():
    with pytest.raises(ZeroDivisionError), gl.config_context(device="reference"):
        raise ZeroDivisionError
    assert device_and_threads() == ("auto", None)


def test_get_config_gives_a_copy():
    gl.get_config()["device"] = "reference"
    assert device_and_threads() == ("auto", None)


def test_auto_puts_the_number_of_threads_back():
    with gl.config_context(n_threads=3), gl.config_context(n_threads="auto"):
        assert device_and_threads() == ("auto", None)


def test_another_thread_has_its_own_settings():
    seen = []
    with gl.config_context(device="reference"):
        thread = threading.Thread(target=lambda: seen.append(device_and_threads()))
        thread.start()
        thread.join()
    assert seen == [("auto", None)]


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_settings_travel_into_joblib_workers(backend):
    with gl.config_context(device="reference", n_threads=3):
        seen = Parallel(n_jobs=2, backend=backend)(delayed(device_and_threads)() for _ in range(4))
    assert seen == [("reference", 3)] * 4


@pytest.mark.parametrize(
    "setting, message",
    [
        ({"device": "gpu"}, r"device must be one of .*Got 'gpu' instead"),
        ({"device": "cuda:x"}, "Got 'cuda:x' instead"),
        ({"n_threads": 0}, "n_threads must be an int >= 1 or 'auto'. Got 0 instead"),
        ({"n_threads": True}, "Got True instead"),
        ({"fallback": "never"}, "fallback must be one of"),
    ],
)
def test_a_value_that_is_no_choice_is_refused_and_changes_nothing(setting, message):
    before = gl.get_config()
    with pytest.raises(ValueError, match=message):
        gl.set_config(**setting)
    assert gl.get_config() == before
