"""cmake --install: the programs and the demo models at a place of their own, where they run."""
import json
import shutil
import subprocess

import pytest


@pytest.fixture(scope="module")
def installed(zoetrope, tmp_path_factory):
    """The front as it was installed."""
    build = zoetrope.path.parent.parent
    if not (build / "cmake_install.cmake").exists() or not shutil.which("cmake"):
        pytest.skip("the programs do not lie in a build folder, or there is no cmake")
    prefix = tmp_path_factory.mktemp("prefix")
    done = subprocess.run(["cmake", "--install", build, "--prefix", prefix], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return type(zoetrope)(prefix / "bin/zoetrope")


def test_the_demo_models_are_found_where_they_were_installed(installed, demo, tmp_path):
    done = installed("models", "--json", environment={"ZOETROPE_MODELS": str(tmp_path)})
    folder = installed.path.parent.parent / "share/zoetrope/weights/tiny"
    rows = json.loads(done.stdout)["installed"]
    assert [(row["path"], row.get("problem")) for row in rows] == [
        (str(folder / name), None) for name in ("wan2.1-t2v-tiny", "wan2.2-t2v-tiny")]


def test_the_installed_engine_finds_its_libraries(installed, demo):
    done = installed("generate", "p", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("wan2.2-t2v-tiny on ")
