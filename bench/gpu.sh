#!/usr/bin/env bash
# Everything that needs a GPU, in one call of at most ten minutes on a machine that has CMake, Ninja,
# g++, nvcc and a CUDA torch: builds, checks the kernels and the models, measures. One step that
# fails or runs too long does not lose the others.
#
#   bench/gpu.sh OUT [BUILD]     OUT gets summary.txt, machine.txt, build.log, selftest.log,
#                                parity.log, bench.log; BUILD is build-gpu
#
#   ZOETROPE_JSON     folder that holds nlohmann/json.hpp, where it is not installed
#   ZOETROPE_DEVICE   cuda:0
#   ZOETROPE_SECONDS  570: no step starts or goes on after that
set -uo pipefail
cd "$(dirname "$0")/.."

out=$(mkdir -p "${1:?usage: bench/gpu.sh OUT [BUILD]}" && cd "$1" && pwd)
build=${2:-build-gpu}
device=${ZOETROPE_DEVICE:-cuda:0}
end=$((SECONDS + ${ZOETROPE_SECONDS:-570}))
engine=$build/bin/zoetrope-engine
failures=0

# step LOG LIMIT COMMAND…: runs it for at most LIMIT seconds and within the whole time, appends what
# it prints to LOG and a verdict to the summary.
step() {
  local log=$out/$1 limit=$2 left=$((end - SECONDS)) begin=$SECONDS status
  shift 2
  [ "$limit" -le "$left" ] || limit=$left
  echo "\$ $*" >> "$log"
  if [ "$limit" -le 0 ]; then
    status="left out, no time"
    failures=$((failures + 1))
  elif timeout --kill-after=5 "$limit" "$@" >> "$log" 2>&1; then
    status=done
  else
    status="FAILED, exit $?"
    failures=$((failures + 1))
  fi
  printf '%4d s  %-18s %s\n' $((SECONDS - begin)) "$status" "$*" | tee -a "$out/summary.txt"
}

measure() { step bench.log "$1" "$engine" bench "${@:2}" --random-weights --device "$device"; }

rm -f "$out"/{summary.txt,machine.txt,build.log,selftest.log,parity.log,bench.log}
step machine.txt 20 nvidia-smi
step machine.txt 20 nvcc --version
# NVRTC, by which cuDNN compiles its attention, opens its own parts by bare name.
for folder in $(python3 -c 'import torch; print(torch.__path__[0])')/../nvidia/*/lib; do
  LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$folder
done
export LD_LIBRARY_PATH
step build.log 120 cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DZOETROPE_CORE_ONLY=ON \
  ${ZOETROPE_JSON:+-DZOETROPE_JSON="$ZOETROPE_JSON"}
step machine.txt 5 grep -m 1 "CUDA kernels.* for " "$out/build.log"
step build.log 300 cmake --build "$build" --target zoetrope-engine
step selftest.log 90 "$engine" selftest --device "$device"

# The most wanted numbers first: the last ones are lost when the time is up.
for size in 832x480 1280x720; do
  measure 120 dit --model wan2.2-t2v-a14b --size $size
  measure 90 operations --model wan2.2-t2v-a14b --size $size
done
# Without the tokenizer's cases, which need libraries that the core does without.
step parity.log 90 "$engine" parity --device "$device" \
  tests/parity/{dit,umt5,clip_vision,vae21,vae22,sampler,pipeline,image_condition,checkpoint_load}
measure 60 vae --model wan2.2-t2v-a14b --size 832x480
measure 60 umt5 --model wan2.2-t2v-a14b
for size in 832x480 1280x720; do
  measure 60 dit --model wan2.1-t2v-1.3b --size $size
done
measure 60 vae --model wan2.2-t2v-a14b --size 1280x720
step machine.txt 20 nvidia-smi

echo "$failures failed; everything is in $out"
[ "$failures" = 0 ]
