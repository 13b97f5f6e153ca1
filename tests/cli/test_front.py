"""The front: what it says of itself, and how it hands commands to the engine."""
import shutil


def test_help_lists_the_commands_of_both_programs(with_engine):
    done = with_engine("help")
    assert done.returncode == 0 and done.stderr == ""
    assert "usage: zoetrope COMMAND" in done.stdout
    assert "parity" in done.stdout


def test_no_command_at_all_is_a_usage_error(zoetrope):
    done = zoetrope()
    assert done.returncode == 2 and done.stdout == ""
    assert "usage: zoetrope COMMAND" in done.stderr


def test_version(zoetrope):
    done = zoetrope("--version")
    assert done.returncode == 0
    name, number = done.stdout.split()
    assert name == "zoetrope" and number.count(".") == 2


def test_engine_commands_are_handed_over_with_their_exit_code(with_engine):
    done = with_engine("parity")
    assert done.returncode == 2
    assert done.stderr == "DIR: is missing; zoetrope parity --help tells more\n"


def test_an_unknown_command_gets_the_nearest_suggestion(with_engine):
    done = with_engine("parety")
    assert done.returncode == 2
    assert 'no command "parety"; did you mean parity?' in done.stderr


def test_a_missing_engine_is_named_with_what_to_do(zoetrope, tmp_path):
    alone = shutil.copy(zoetrope.path, tmp_path)
    front = type(zoetrope)(alone)
    done = front("parity")
    assert done.returncode == 1
    assert f"{tmp_path}/zoetrope-engine: No such file or directory" in done.stderr
    assert "make build" in done.stderr
    assert "is not built" in front("help").stdout
