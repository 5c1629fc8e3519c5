"""Dask's workers take the steps: the same bits, though one of them is killed on the way."""

import os
import signal

import numpy as np
import pytest

import ouanalysis as ou
from ouanalysis.simulate import engine

distributed = pytest.importorskip("distributed", reason="needs the extra `distributed`")

SETTING, TRUTH = ou.planted_matrix_sensing(3, 1, 4, rng=0)
RUN = {"lr": 0.01, "noise_std": 0.2, "rng": 11, "steps": 2000, "chains": 4, "record": 100}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dask")
    how = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with (
        distributed.LocalCluster(**how, local_directory=str(folder)) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def bits(run):
    arrays = [
        run.theta,
        run.loss,
        run.averages.theta,
        run.averages.covariance,
        run.averages.loss,
        *run.observed.values(),
    ]
    return [array.tobytes() for array in arrays]


def test_workers_agree_bit_for_bit_with_threads_and_one_may_be_killed(client, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "PIECE", 1e-2)
    here, killed = os.getpid(), tmp_path / "killed"
    average = ou.Averaging(np.eye(9)[:, :2], loss=True)

    def first(_setting, theta):
        return theta[:, 0]

    def killing(_setting, theta):
        if os.getpid() != here and not killed.exists():
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return theta[:, 0]

    expected = ou.label_noise_sgd(SETTING, TRUTH, **RUN, average=average, observe={"first": first})
    with client.get_executor() as executor:
        there = ou.label_noise_sgd(SETTING, TRUTH, **RUN, average=average, observe={"first": first}, executor=executor)
        assert bits(there) == bits(expected)
        lost = ou.label_noise_sgd(SETTING, TRUTH, **RUN, average=average, observe={"first": killing}, executor=executor)
    assert killed.exists()
    assert bits(lost) == bits(expected)
