"""BLAS has one thread where small matrices are many, and then as many as before."""

from functools import cache
from threading import Thread

import numpy as np
import pytest
import scipy.linalg  # noqa: F401  (which brings a BLAS of its own)
from threadpoolctl import threadpool_info, threadpool_limits

import ouanalysis as ou
from ouanalysis.one_blas_thread import one_blas_thread


def threads():
    """Of the libraries whose number can be set: another test may have loaded one that has its own mind."""
    return {blas["num_threads"] for blas in threadpool_info() if blas["user_api"] == "blas" and settable(blas)}


@cache
def settable_paths():
    with threadpool_limits(2, user_api="blas"):
        return {blas["filepath"] for blas in threadpool_info() if blas["num_threads"] == 2}


def settable(blas):
    return blas["filepath"] in settable_paths()


@pytest.fixture
def two():
    with threadpool_limits(2, user_api="blas"):
        if threads() != {2}:
            pytest.skip("a BLAS whose threads cannot be set")
        yield


@pytest.mark.usefixtures("two")
def test_within_there_is_one_and_after_an_error_as_many_as_before():
    def fail():
        with one_blas_thread(), one_blas_thread():
            assert threads() == {1}
            raise ValueError("of a block")

    with pytest.raises(ValueError, match="of a block"):
        fail()
    assert threads() == {2}


def model(theta, x):
    seen.append(threads())
    return theta[..., 0] * theta[..., 1] * x


seen = []
CALLS = {
    "flow": lambda setting: ou.regularized_flow(setting, [2.0, 0.5], times=[0.1]),
    "linear process": lambda setting: ou.ornstein_uhlenbeck(
        setting, [2.0, 0.5], lr=0.01, noise_std=0.1, steps=2, rng=0
    ),
}


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("call", CALLS)
def test_flows_and_the_linear_process_take_one(call):
    setting = ou.Setting(model, np.ones(1), np.ones(1), 2)
    seen.clear()
    CALLS[call](setting)
    assert {1} in seen
    assert threads() == {2}


@pytest.mark.usefixtures("two")
def test_calls_of_other_threads_that_overlap_leave_as_many_as_before():
    setting = ou.Setting(model, np.ones(1), np.ones(1), 2)
    calls = [Thread(target=CALLS["flow"], args=(setting,)) for _ in range(3)]
    for each in calls:
        each.start()
    CALLS["flow"](setting)
    for each in calls:
        each.join()
    assert threads() == {2}
