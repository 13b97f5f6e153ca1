"""zoetrope parity: what it says of cases, and its exit code, which continuous integration goes by."""
import json
import struct

import pytest

# A schedule of two steps, which needs no weights.
CASE = {"module": "sampler",
        "args": {"solver": "lightx2v", "schedules": [{"step_list": [1000, 500], "shift": 1}]},
        "tolerance": {"out.sigmas_0": {"atol": 1e-6, "rtol": 0},
                      "out.timesteps_0": {"atol": 0, "rtol": 0}}}
OUTPUTS = {"out.sigmas_0": [1, 0.5, 0], "out.timesteps_0": [1000, 500]}


def write_case(folder, outputs, **changes):
    """A case folder, its tensors in fp32."""
    folder.mkdir(parents=True)
    (folder / "case.json").write_text(json.dumps({**CASE, **changes}))
    header, data = {}, b""
    for name, values in outputs.items():
        begin = len(data)
        data += struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": [len(values)], "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    (folder / "tensors.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)


def test_cases_that_agree_pass(with_engine, tmp_path):
    write_case(tmp_path / "sampler/one", OUTPUTS)
    done = with_engine("parity", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("1 passed, 0 failed, 0 skipped\n")


@pytest.mark.parametrize("outputs, changes", [
    ({**OUTPUTS, "out.sigmas_0": [1, 0.75, 0]}, {}),
    (OUTPUTS, {"tolerance": {}}),
    (OUTPUTS, {"tolerance": {"out.sigmas_0": {"atol": 1e-6, "rtol": 0}}}),
    (OUTPUTS, {"args": {**CASE["args"], "expect": "error"}}),
], ids=["a wrong number", "no tolerance", "one tolerance too few", "no refusal"])
def test_one_case_that_fails_is_a_failing_exit(with_engine, tmp_path, outputs, changes):
    write_case(tmp_path / "sampler/right", OUTPUTS)
    write_case(tmp_path / "sampler/wrong", outputs, **changes)
    done = with_engine("parity", "--json", tmp_path)
    assert done.returncode == 1
    cases = [json.loads(line) for line in done.stdout.splitlines()]
    assert [case["verdict"] for case in cases] == ["pass", "FAIL"]


def test_an_unknown_module_is_skipped_by_name_and_alone_is_no_success(with_engine, tmp_path):
    write_case(tmp_path / "sampler/one", OUTPUTS, module="hologram")
    done = with_engine("parity", tmp_path)
    assert done.returncode == 1
    assert "skip  hologram" in done.stdout and "module hologram is not known here" in done.stdout
    assert done.stdout.endswith("0 passed, 0 failed, 1 skipped\n")


def test_folders_that_are_none_are_refused_by_name(with_engine, tmp_path):
    (tmp_path / "file").touch()
    done = with_engine("parity", tmp_path / "nothing", tmp_path / "file")
    assert done.returncode == 2 and done.stdout == ""
    assert f'DIR: "{tmp_path}/nothing" is no folder\n' in done.stderr
    assert f'DIR: "{tmp_path}/file" is no folder' in done.stderr
