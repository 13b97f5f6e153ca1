"""zoetrope show endpoints: what a server offers, in three forms of the same table."""
import json

from conftest import ROOT


def listed(zoetrope):
    done = zoetrope("show", "endpoints", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_endpoint_is_listed_with_its_path_price_and_schema(zoetrope):
    rows = {row["path"]: row for row in listed(zoetrope)}
    row = rows["/api/v3/wavespeed-ai/wan-2.2/t2v-720p-lora-ultra-fast"]
    assert row["id"] == "wavespeed-ai/wan-2.2/t2v-720p-lora-ultra-fast"
    assert row["weights"] == "wan2.2-t2v-a14b" and row["fast_mode"] is True
    assert row["base_price_mills"] == 150
    assert row["request_schema"]["required"] == ["prompt"]
    assert "/v3/async/wan-t2v" in rows and "/v3/async/wan-2.2-t2v" in rows


def test_the_plain_list_has_a_line_for_each(zoetrope):
    done = zoetrope("show", "endpoints")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split()[:2] == ["POST", "Weights"]
    assert [line.split()[0] for line in lines[1:]] == [row["path"] for row in listed(zoetrope)]


def test_the_page_in_docs_is_what_the_program_prints(zoetrope):
    done = zoetrope("show", "--markdown", "endpoints")
    assert done.returncode == 0, done.stderr
    assert done.stdout == (ROOT / "docs/models.md").read_text()


def test_markdown_is_for_endpoints_alone(zoetrope):
    done = zoetrope("show", ROOT, "--markdown")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "--markdown: is for endpoints alone\n"


def test_json_and_markdown_exclude_each_other(zoetrope):
    done = zoetrope("show", "endpoints", "--json", "--markdown")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "--markdown: not together with --json\n"
