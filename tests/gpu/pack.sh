#!/usr/bin/env bash
# Packs what run.sh needs on a machine that has a GPU, but no Rust and no network:
#   tests/gpu/pack.sh OUT [--data DIR]
# OUT gets densenet-tui-gpu.tar.gz (program, unit tests, golden files, PyTorch's peer, run.sh) and, with --data, the
# images of DIR/cifar-10-batches-bin as cifar10.tar.gz.part-* with their hashes in cifar10.sha256. Needs x86-64 Linux,
# Rust, gcc and python3 with venv; the first build takes some ten minutes on two cores.
set -euo pipefail
fail() { echo "pack.sh: $*" >&2; exit 1; }
# Bytes of the archive at most, and of each part of the images.
LIMIT=$((64 << 20)) PART=$((48 << 20))

out='' data=''
while [ $# -gt 0 ]; do
  case $1 in
    --data) [ $# -ge 2 ] || fail "--data needs a folder"; data=$2; shift 2 ;;
    -h|--help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) fail "$1 is no option" ;;
    *) [ -z "$out" ] || fail "one folder is written, not $out and $1 both"; out=$1; shift ;;
  esac
done
[ -n "$out" ] || fail "usage: pack.sh OUT [--data DIR]"
project=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$out"; out=$(cd "$out" && pwd)
if [ -n "$data" ]; then
  [ "$(basename "$data")" = cifar-10-batches-bin ] || data=$data/cifar-10-batches-bin
  for file in data_batch_{1..5}.bin test_batch.bin; do [ -f "$data/$file" ] || fail "$data has no $file"; done
  data=$(cd "$data" && pwd)
fi
cd "$project"

# Whoever has sourced an env.sh of setup.sh keeps it. Built with a real toolkit the program would not start where
# its libraries are not on the loader's path, so the stand-ins are used even where there is one.
if [ -z "${NVCC_REAL:-}" ]; then
  .ci/cuda/setup.sh . target/cuda
  # shellcheck source=/dev/null
  . target/cuda/env.sh
fi

work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
folder=$work/densenet-tui-gpu
mkdir -p "$folder/tests/golden" "$folder/tests/peer"

cargo build --release --locked --features cuda
install -m 755 target/release/densenet-tui "$folder/densenet-tui"
# The profile in which they are always run: what computes is optimised, and overflow is found.
tests=$(cargo test --no-run --lib --locked --features cuda --message-format=json | python3 -c '
import json, sys
for line in sys.stdin:
    said = json.loads(line)
    if said.get("executable") and said["target"]["kind"] == ["lib"] and said["profile"]["test"]:
        print(said["executable"])')
[ -x "$tests" ] || fail "cargo named no binary of the unit tests"
install -m 755 "$tests" "$folder/unit-tests"
strip "$folder/densenet-tui" "$folder/unit-tests"
"$folder/densenet-tui" --version > /dev/null || fail "the program does not start here"

cp tests/golden/*.safetensors "$folder/tests/golden/"
cp tests/peer/densenet_torch.py "$folder/tests/peer/"
install -m 755 tests/gpu/run.sh "$folder/run.sh"
cp tests/gpu/report.py "$folder/"

if [ -n "$data" ]; then
  rm -f "$out"/cifar10.tar.gz.part-*
  tar -C "$(dirname "$data")" -cf - cifar-10-batches-bin | gzip -6 > "$work/cifar10.tar.gz"
  (cd "$work" && split -b "$PART" -d -a 2 cifar10.tar.gz cifar10.tar.gz.part- && sha256sum cifar10.tar.gz*) > "$out/cifar10.sha256"
  mv "$work"/cifar10.tar.gz.part-* "$out/"
fi
# So that the parts are held to the list that came with the program.
[ ! -f "$out/cifar10.sha256" ] || cp "$out/cifar10.sha256" "$folder/"
{
  echo "commit $(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)$(git diff --quiet HEAD 2>/dev/null || echo ', changed')"
  "$folder/densenet-tui" --version
  rustc --version
  echo "candle's kernels for compute ${CUDA_COMPUTE_CAP:-unknown}, CUDA ${CUDARC_CUDA_VERSION:-unknown}"
} > "$folder/build.txt"

archive=$out/densenet-tui-gpu.tar.gz
tar -C "$work" --owner 0 --group 0 -cf - densenet-tui-gpu | gzip -9 > "$archive"
size=$(stat -c %s "$archive")
if [ "$size" -gt "$LIMIT" ]; then rm "$archive"; fail "the archive takes $((size >> 20)) MiB, more than $((LIMIT >> 20))"; fi
echo "$archive: $(( (size + (1 << 20) - 1) >> 20 )) MiB"
[ -z "$data" ] || ls -s --block-size=MiB "$out"/cifar10.*
