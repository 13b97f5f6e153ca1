"""What every black-box test needs: the programs, and how to run them."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = pathlib.Path(os.environ.get("ZOETROPE_BIN", ROOT / "build/bin")).resolve()


class Program:
    """One of the programs; calling it runs it to its end."""

    def __init__(self, name):
        self.path = PROGRAMS / name

    def __call__(self, *arguments, timeout=300, environment=None, **kwargs):
        return subprocess.run([self.path, *map(str, arguments)], capture_output=True, text=True,
                              timeout=timeout, env={**os.environ, **(environment or {})}, **kwargs)

    def start(self, *arguments, environment=None, **kwargs):
        return subprocess.Popen([self.path, *map(str, arguments)], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env={**os.environ, **(environment or {})}, **kwargs)


@pytest.fixture(scope="session")
def zoetrope():
    program = Program("zoetrope")
    assert program.path.exists(), f"{program.path} is not built; make build"
    return program


@pytest.fixture(scope="session")
def with_engine(zoetrope):
    if not (zoetrope.path.parent / "zoetrope-engine").exists():
        pytest.skip("zoetrope-engine is not built: LibTorch is missing")
    return zoetrope


class WithModel(Program):
    """A program whose generate command is told which model to use."""

    def __init__(self, program, folder):
        super().__init__(program.path)
        self.folder = folder
        self.model = ["--model", str(folder)]

    def __call__(self, command, *arguments, **kwargs):
        return super().__call__(command, *arguments, *self.model, **kwargs)

    def start(self, command, *arguments, **kwargs):
        return super().start(command, *arguments, *self.model, **kwargs)


@pytest.fixture(scope="session")
def tiny(with_engine, tmp_path_factory):
    """The program with a model of the demo family's dimensions and random weights."""
    folder = tmp_path_factory.mktemp("models") / "wan2.2-t2v-tiny"
    done = with_engine("make-checkpoint", "wan2.2-t2v-tiny", folder)
    assert done.returncode == 0, done.stderr
    return WithModel(with_engine, folder)


@pytest.fixture(scope="session")
def single(with_engine, tmp_path_factory):
    """The same with one network in place of two experts."""
    folder = tmp_path_factory.mktemp("models") / "wan2.1-t2v-tiny"
    done = with_engine("make-checkpoint", "wan2.1-t2v-tiny", folder)
    assert done.returncode == 0, done.stderr
    return WithModel(with_engine, folder)


@pytest.fixture(scope="session")
def demo(with_engine):
    """The program, where the demo weights are there to be used."""
    if not (ROOT / "weights/tiny/wan2.2-t2v-tiny").is_dir():
        pytest.skip("weights/tiny holds no model")
    return with_engine
