"""The fast kernels against their plain forms, on the processor of this machine."""
import json


def test_every_fast_kernel_agrees_with_its_plain_form(with_engine):
    done = with_engine("selftest", "--device", "cpu", "--json")
    checks = [json.loads(line) for line in done.stdout.splitlines()]
    assert [check for check in checks if check["verdict"] != "pass"] == []
    assert done.returncode == 0
    kernels = {check["check"].split(" ")[0] for check in checks}
    assert kernels == {"layer_norm", "modulated_layer_norm", "add_gated", "rms_norm", "rms_norm_rope",
                       "rms_silu", "linear", "gelu_tanh", "attention"}


def test_a_device_that_is_not_there_is_refused(with_engine):
    done = with_engine("selftest", "--device", "cuda:99")
    assert done.returncode == 2
    assert "cuda:99" in done.stderr
