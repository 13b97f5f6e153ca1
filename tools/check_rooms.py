"""Checks what the build file promises: includes stay inside NEEDS, files and functions stay short.

Reads BUILD/rooms.txt, which cmake/room.cmake writes from the room list in CMakeLists.txt.
"""
import argparse
import pathlib
import re
import sys

MAX_LINES = 400
MAX_FUNCTION_LINES = 60
# Longer files, each with its reason.
LONG_FILES = {
    "text/html_table.cpp": "the 2231 character references of HTML",
}
INCLUDE = re.compile(r'#include "(?P<path>[^"]+)"')


def read_rooms(build):
    rooms = {}
    for line in (build / "rooms.txt").read_text().splitlines():
        name, needs = line.split(":")
        rooms[name] = set(needs.split())
    return rooms


def room_of(relative, rooms):
    """The room a file of src/ belongs to: src/cli/zoetrope/x.cpp is cli/zoetrope, else the folder."""
    two = "/".join(relative.parts[:2])
    return two if two in rooms else relative.parts[0]


def check_includes(source, relative, rooms):
    room = room_of(relative, rooms)
    allowed = rooms.get(room)
    if allowed is None:
        yield f"src/{relative}: room {room} is not in the room list"
        return
    own = room.split("/")[0]
    for number, line in enumerate(source.splitlines(), 1):
        found = INCLUDE.match(line)
        if found and pathlib.Path(found["path"]).parts[0] not in allowed | {own}:
            yield f"src/{relative}:{number}: {room} may not include {found['path']}"
        if "torch" not in allowed and line.startswith("#include <torch/"):
            yield f"src/{relative}:{number}: {room} may not see torch"


def check_length(source, relative):
    lines = source.count("\n")
    if lines > MAX_LINES and str(relative) not in LONG_FILES:
        yield f"src/{relative}: {lines} lines, at most {MAX_LINES}"


def functions(source):
    """First line and count of lines of the functions outside of classes, as clang-format leaves them.

    Such a function begins at the margin and ends with a brace alone there; classes, enums and arrays
    end with a semicolon, namespaces with a comment.
    """
    begin = None
    for number, line in enumerate(source.splitlines(), 1):
        if line == "}" and begin:
            yield begin, number - begin + 1
        if line.startswith("}"):
            begin = None
        elif line and line[0] not in " #/":
            begin = number


def check_functions(source, relative):
    for begin, lines in functions(source):
        if lines > MAX_FUNCTION_LINES:
            yield f"src/{relative}:{begin}: a function of {lines} lines, at most {MAX_FUNCTION_LINES}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"))
    build = parser.parse_args().build
    source_root = pathlib.Path(__file__).resolve().parent.parent / "src"
    rooms = read_rooms(build)
    complaints = []
    for path in sorted(source_root.rglob("*")):
        if path.suffix not in (".h", ".cpp", ".cu") or path.name.startswith("torch_pch"):
            continue
        relative = path.relative_to(source_root)
        source = path.read_text()
        complaints += check_includes(source, relative, rooms)
        complaints += check_length(source, relative)
        complaints += check_functions(source, relative)
    print("\n".join(complaints) or
          f"{len(rooms)} rooms, every include allowed, every file and function short enough")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
