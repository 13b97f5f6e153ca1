#!/usr/bin/env bash
# Installs what is missing and nothing else: Debian packages, and a virtual environment in .venv with
# LibTorch out of the PyPI wheel. Quick when there is nothing to do.
#
#   tools/setup.sh          what `make demo` needs
#   tools/setup.sh test     what `make test` needs as well: clang-format, PostgreSQL, the vendors'
#                           own clients out of their registries
#   tools/setup.sh lint     clang-format and clang-tidy as well
#   tools/setup.sh bench    .venv-bench with diffusers and transformers, to measure against
set -euo pipefail
cd "$(dirname "$0")/.."

TORCH_VERSION=2.11.0
# All that C++ needs of the CUDA wheels where there is no GPU: 1.2 GB instead of 4.6.
CPU_RUNTIME=(nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85)
# The CUDA compiler, for every machine: continuous integration compiles the kernels that it cannot
# run. 99 MB to fetch, 245 MB on disk; kernels need no more of the toolkit than these.
NVCC_PACKAGES=(nvidia-cuda-nvcc==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-nvvm==13.0.88)
TEST_PACKAGES=(pytest==8.4.2 jsonschema==4.25.1 wavespeed==2.0.5 schemathesis==4.32.5
               huggingface_hub==2.4.0)
CLIENT_PACKAGES=(wavespeed@0.3.2 @wavespeed/cli@0.2.2 novita-sdk@3.1.3)
BENCH_PACKAGES=("torch==$TORCH_VERSION" diffusers==0.36.0 transformers==4.57.1 accelerate==1.11.0
                ftfy==6.3.1 sentencepiece==0.2.1 protobuf)

# Debian 12's own Boost is too old for the server; it has a newer one beside it.
boost_package() {
  # shellcheck disable=SC1091
  (. /etc/os-release 2>/dev/null; [ "${ID:-} ${VERSION_ID:-}" = "debian 12" ]) \
    && echo libboost1.81-dev || echo libboost-dev
}

DEBIAN_PACKAGES=(
  g++ cmake ninja-build ccache python3 python3-venv git
  nlohmann-json3-dev libgtest-dev
  libavformat-dev libavcodec-dev libswscale-dev libavutil-dev
  libutf8proc-dev libsentencepiece-dev
  "$(boost_package)" libcurl4-openssl-dev libssl-dev
  libsoci-dev libsqlite3-dev libpq-dev
  libspdlog-dev libfmt-dev prometheus-cpp-dev libtomlplusplus-dev
  ffmpeg)
FORMAT_PACKAGES=(clang-format)
SERVER_TEST_PACKAGES=(postgresql e2fsprogs)
LINT_PACKAGES=("${FORMAT_PACKAGES[@]}" clang-tidy libomp-dev)

have_package() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else
    echo "setup: root is needed for: $*" >&2
    exit 1
  fi
}

install_packages() {
  [ -z "${ZOETROPE_NO_APT:-}" ] || return 0
  if ! command -v apt-get >/dev/null; then
    echo "setup: this is not Debian or Ubuntu; needed here: C++20 compiler (g++ >= 12), CMake >= 3.22," \
         "Ninja, Python 3.10+ with venv, and the development files of nlohmann-json 3.11, GoogleTest," \
         "FFmpeg, utf8proc, sentencepiece, Boost >= 1.79, libcurl, OpenSSL, SOCI, SQLite, libpq," \
         "spdlog, prometheus-cpp and toml++. Set ZOETROPE_NO_APT=1 once they are installed." >&2
    exit 1
  fi
  local missing=()
  for package in "$@"; do have_package "$package" || missing+=("$package"); done
  [ ${#missing[@]} -eq 0 ] && return
  echo "setup: installing ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" > /dev/null
}

has_nvidia_gpu() { [ -e /proc/driver/nvidia/version ] || command -v nvidia-smi >/dev/null; }

# install_python FOLDER STAMP ARGUMENTS…: `pip install ARGUMENTS` once in the environment FOLDER.
install_python() {
  local folder=$1 stamp=$1/.installed-$2
  shift 2
  [ -e "$stamp" ] && return
  [ -x "$folder/bin/python" ] || python3 -m venv "$folder"
  echo "setup: pip install $*"
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
  touch "$stamp"
}

install_torch() {
  if has_nvidia_gpu; then
    install_python .venv "torch-$TORCH_VERSION-gpu" "torch==$TORCH_VERSION"
  else
    install_python .venv "torch-$TORCH_VERSION-cpu" --no-deps "torch==$TORCH_VERSION" "${CPU_RUNTIME[@]}"
  fi
}

# The vendors' clients for Node, in .venv/clients.
install_clients() {
  [ ! -e .venv/clients/.installed-1 ] || return 0
  command -v npm >/dev/null || install_packages nodejs npm
  echo "setup: npm install ${CLIENT_PACKAGES[*]}"
  mkdir -p .venv/clients
  echo '{"private": true}' > .venv/clients/package.json
  # A registry that cannot be reached would hold everything up for a quarter of an hour.
  if timeout 240 npm install --prefix .venv/clients --no-audit --no-fund --loglevel=error \
      --fetch-retries=1 --fetch-timeout=30000 "${CLIENT_PACKAGES[@]}" > /dev/null; then
    touch .venv/clients/.installed-1
  else
    echo "setup: npm could not install the vendors' clients; their tests will be skipped" >&2
  fi
}

install_packages "${DEBIAN_PACKAGES[@]}"
install_torch
install_python .venv nvcc-13.0.88 --no-deps "${NVCC_PACKAGES[@]}"
install_python .venv tests-4 "${TEST_PACKAGES[@]}"

case "${1:-}" in
  "") ;;
  test)
    install_packages "${FORMAT_PACKAGES[@]}" "${SERVER_TEST_PACKAGES[@]}"
    install_clients ;;
  lint) install_packages "${LINT_PACKAGES[@]}" ;;
  bench) install_python .venv-bench bench-1 "${BENCH_PACKAGES[@]}" ;;
  *) echo "setup: unknown argument $1" >&2; exit 2 ;;
esac
