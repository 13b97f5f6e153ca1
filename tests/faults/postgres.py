"""A PostgreSQL of the tests' own, out of Debian's programs, reached through a Unix socket. Its clock
is moved with the server's, since leases follow it. Where the tests run as root, it runs as the user postgres.
"""
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

import pytest

from service import wait_until
from shim import Page


class Postgres:
    def __init__(self, programs, shim):
        self.programs = programs
        # Short, since the path of a socket is; readable for the user that it runs as.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="faults-pg-"))
        self.page = Page(self.folder / "page")
        self.shim = shutil.copy(shim, self.folder)
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            for path in (self.folder, self.page.path, self.shim):
                shutil.chown(path, self.user)
        self.run("initdb", "-D", "data", "-U", "postgres", "-A", "trust", "-N")
        self.url = f"postgres://postgres@/postgres?host={self.folder}"
        self.process = None

    def popen(self, program, *arguments, **environment):
        log = open(self.folder / "log", "ab")
        return subprocess.Popen([self.programs / program, *arguments], cwd=self.folder, stdout=log,
                                stderr=log, user=self.user, group=self.user, extra_groups=[],
                                env={**os.environ, **environment})

    def run(self, program, *arguments):
        code = self.popen(program, *arguments).wait(60)
        assert code == 0, (self.folder / "log").read_text()

    def start(self):
        self.process = self.popen("postgres", "-D", "data", "-k", str(self.folder),
                                  "-clisten_addresses=", "-cmax_connections=50",
                                  LD_PRELOAD=self.shim, FAULTS_PAGE=str(self.page.path))
        assert wait_until(self.is_up, 30), (self.folder / "log").read_text()

    def is_up(self):
        return self.popen("pg_isready", "-q", "-h", str(self.folder)).wait() == 0

    def crash(self):
        """As pg_ctl stop -m immediate: nothing is flushed, it recovers at the next start."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(30)

    def remove(self):
        if self.process is not None:
            self.crash()
        shutil.rmtree(self.folder)


def make_postgres_or_skip(shim):
    programs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip("PostgreSQL is not installed")
    if os.geteuid() == 0 and "postgres" not in {entry.pw_name for entry in pwd.getpwall()}:
        pytest.skip("there is only root to run PostgreSQL, which refuses to")
    return Postgres(programs[-1].parent, shim)
