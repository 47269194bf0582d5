import threading

from threadpoolctl import threadpool_info, threadpool_limits

from ghostflow_learn._engine.cpu._blas import all_threads, one_thread


def blas_threads():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_blas_has_one_thread_inside_and_its_own_number_outside():
    with threadpool_limits(3, "blas"):
        before = blas_threads()
        with one_thread():
            assert set(blas_threads()) == {1}
            with all_threads():
                assert blas_threads() == before
            assert set(blas_threads()) == {1}
        assert blas_threads() == before


def test_nested_users_restore_only_at_the_end():
    with threadpool_limits(3, "blas"):
        with one_thread():
            with one_thread():
                pass
            assert set(blas_threads()) == {1}
        assert set(blas_threads()) == {3}


def test_the_last_of_several_threads_restores():
    inside, leave = threading.Event(), threading.Event()

    def stay():
        with one_thread():
            inside.set()
            leave.wait(10)

    with threadpool_limits(3, "blas"):
        other = threading.Thread(target=stay)
        other.start()
        inside.wait(10)
        with one_thread():
            pass
        assert set(blas_threads()) == {1}
        leave.set()
        other.join()
        assert set(blas_threads()) == {3}
