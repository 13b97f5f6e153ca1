"""A server under the shim, and what judges it."""
import os

import pytest

import checker
from load import Load
from service import Service
from shim import Faults, Page, compile_shim

DAY_MS = 24 * 3600 * 1000


@pytest.fixture(scope="session")
def shim(tmp_path_factory):
    return compile_shim(tmp_path_factory.mktemp("shim"))


@pytest.fixture()
def make_service(zoetrope, shim, tmp_path):
    """Servers of this test, each with its data folder and its clocks."""
    made = []

    def make(*options, faults=Faults(), data=None, program=None):
        number = len(made)
        page = Page(tmp_path / f"page-{number}")
        service = Service(program or zoetrope.path, data or tmp_path / f"server-{number}", shim,
                          page, *options, faults=faults)
        made.append(service)
        return service

    yield make
    for service in made:
        service.kill()
