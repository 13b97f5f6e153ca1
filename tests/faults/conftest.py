"""Servers under the shim."""
import pytest

from service import Service
from shim import Page, compile_shim


@pytest.fixture(scope="session")
def shim(tmp_path_factory):
    return compile_shim(tmp_path_factory.mktemp("shim"))


@pytest.fixture(scope="module")
def make_service(zoetrope, shim, tmp_path_factory):
    """Servers, each with a data folder and clocks of its own."""
    made = []

    def make(*options, data=None, program=None, page=None, **more):
        folder = tmp_path_factory.mktemp("service")
        service = Service(program or zoetrope.path, data or folder / "data", shim,
                          page or Page(folder / "page"), *options, **more)
        made.append(service)
        return service

    yield make
    for service in made:
        service.kill()
