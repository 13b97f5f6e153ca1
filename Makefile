# Every target sets up what it needs first; running it again does only what is left to do.
BUILD := build
PYTHON := .venv/bin/python
ENGINE := $(BUILD)/bin/zoetrope
PREFIX ?= $(HOME)/.local
GOLDENS := $(or $(ZOETROPE_GOLDENS),)

# For cmake, as in `make test CMAKE_OPTIONS=-DWARNINGS_ARE_ERRORS=ON`.
CMAKE_OPTIONS ?=

DEMO_PROMPT ?= a red star shrinks on a white background

.PHONY: demo build install test faults bench bench-server setup format lint clean help

help:
	@echo "make demo    set up, build, and make a video: out/demo.mp4, out/demo.png"
	@echo "make test    set up, build, and run every test"
	@echo "make faults N=10000  kill the service so often, cut its power, stop its workers (docs/faults.md)"
	@echo "make build   set up and build: $(BUILD)/bin/zoetrope, $(BUILD)/bin/zoetrope-engine"
	@echo "make install PREFIX=DIR  put them and the demo models there (default: ~/.local)"
	@echo "make bench   measure beside diffusers and transformers on this machine's CPU"
	@echo "make bench-server  measure the server: polls, submits, workers, connections, starts"
	@echo "make format  format the sources;  make lint  check them with clang-tidy"

demo: build
	@mkdir -p out
	@$(ENGINE) generate "$(DEMO_PROMPT)" --seed 1 -o out/demo.mp4 --sheet out/demo.png
	@echo
	@echo "the video:          $(CURDIR)/out/demo.mp4"
	@echo "its contact sheet:  $(CURDIR)/out/demo.png"
	@echo "your turn:          $(ENGINE) generate \"a yellow square moves left on a gray background\" -o out/mine.mp4"

build: setup
	@cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=Release $(CMAKE_OPTIONS) \
	  > $(BUILD)-configure.log || { cat $(BUILD)-configure.log; exit 1; }
	@ninja -C $(BUILD)

install: build
	@cmake --install $(BUILD) --prefix "$(PREFIX)" > /dev/null
	@echo "installed: $(PREFIX)/bin/zoetrope; it goes on using the LibTorch in $(CURDIR)/.venv"
	@command -v zoetrope > /dev/null || echo "to call it zoetrope: export PATH=\"$(PREFIX)/bin:\$$PATH\""

test: build
	@tools/setup.sh test
	@$(PYTHON) tools/run_tests.py --build $(BUILD) $(if $(GOLDENS),--goldens $(GOLDENS))

# N kills; the other faults in proportion (tests/faults/load.py).
N ?= 60
faults: build
	@tools/setup.sh test
	@ZOETROPE_KILLS=$(N) ZOETROPE_BIN=$(abspath $(BUILD))/bin $(PYTHON) -m pytest -q -rPs tests/faults

bench: build
	@tools/setup.sh bench
	@.venv-bench/bin/python bench/compare.py --build $(BUILD)

bench-server: build
	@ninja -C $(BUILD) store_bench load bare_server
	@$(PYTHON) bench/server.py --build $(BUILD)

setup:
	@tools/setup.sh

format: setup
	@tools/setup.sh lint
	@git ls-files 'src/*.h' 'src/*.cpp' 'src/*.cu' | xargs clang-format -i

lint: build
	@tools/setup.sh lint
	@$(PYTHON) tools/check_rooms.py --build $(BUILD)
	@git ls-files 'src/*.h' 'src/*.cpp' 'src/*.cu' | xargs clang-format --dry-run -Werror
	@cmake --preset lint > $(BUILD)-configure.log || { cat $(BUILD)-configure.log; exit 1; }
	@git ls-files 'src/*.cpp' | grep -v torch_pch | xargs -P 2 -n 4 clang-tidy --quiet -p build-lint

clean:
	rm -rf $(BUILD) build-lint $(BUILD)-configure.log out
