#!/usr/bin/env bash
# Tests and times densenet-tui on a machine with an NVIDIA GPU, from the folder that pack.sh packed:
#   run.sh [REPORT_DIR] [OPTION…]      writes REPORT_DIR/report.md, default ./gpu-report
#
#   --minutes N         all of it ends within so long (default 9)
#   --precision P       of the trainings: f32, tf32 (default) or bf16
#   --data DIR          where parts of the images or cifar-10-batches-bin are, besides here; may be given several times
#   --only A,B          these steps alone: machine info unit verify same kernels bench training
#   --epochs N          of the short training (default 30; the learning rate falls tenfold after half of them)
#   --long              instead of all that: 300 epochs on CIFAR-10+, a part of --minutes in each call; the run
#                       travels as REPORT_DIR/long-run.tar, which the next call finds there, here, or by --data
#   --rehearse          tries the script where there is no GPU: on the processor, a small network, few steps
#
# Needs bash, python3 and the driver; PyTorch and NVRTC may be Python wheels. Each step has a limit of its own, and
# one that fails stops no other. Ends with 0 if all was well, 1 if a step failed or had no time, 2 for wrong usage, 3 if
# there is no GPU that could be used.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
begun=$SECONDS
fail() { echo "run.sh: $*" >&2; exit 2; }
whole() { case $2 in ''|*[!0-9]*|0) fail "$1 needs a whole number, not '$2'" ;; esac; }

STEPS=machine,info,unit,verify,same,kernels,bench,training
report_dir='' minutes=9 precision=tf32 only=$STEPS epochs=30 long='' rehearse='' places=()
while [ $# -gt 0 ]; do
  case $1 in
    --minutes|--precision|--data|--only|--epochs) [ $# -ge 2 ] || fail "$1 needs a value" ;;&
    --minutes) whole "$1" "$2"; minutes=$2; shift ;;
    --precision) precision=$2; shift ;;
    --data) [ -d "$2" ] || fail "there is no folder $2"; places+=("$2"); shift ;;
    --only) only=$2; shift ;;
    --epochs) whole "$1" "$2"; epochs=$2; shift ;;
    --long) long=yes ;;
    --rehearse) rehearse=yes ;;
    -h|--help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) fail "$1 is no option; see --help" ;;
    *) [ -z "$report_dir" ] || fail "one folder is written, not $report_dir and $1 both"; report_dir=$1 ;;
  esac
  shift
done
case $precision in f32|tf32|bf16) ;; *) fail "--precision is f32, tf32 or bf16, not '$precision'" ;; esac
for word in ${only//,/ }; do
  case ,$STEPS, in *,"$word",*) ;; *) fail "--only knows ${STEPS//,/ }, not '$word'" ;; esac
done
[ "$minutes" -ge 2 ] || fail "--minutes must be 2 or more"
[ -z "$long" ] || only=machine,long

report_dir=${report_dir:-gpu-report}
mkdir -p "$report_dir" 2>/dev/null || fail "$report_dir cannot be written; name a folder that can"
report_dir=$(cd "$report_dir" && pwd)
program=$here/densenet-tui
[ -x "$program" ] || fail "$here has no densenet-tui: pack.sh packs it, and this script beside it"
work=$(mktemp -d) || fail "there is no folder for temporary files; TMPDIR names one"
children=()
trap 'for child in "${children[@]}"; do kill "$child" 2>/dev/null; done; rm -rf "$work"' EXIT
mkdir -p "$work/logs" "$work/home"
report=$report_dir/report.md
end=$((begun + 60 * minutes))
left() { echo $((end - SECONDS)); }

# What is kept by the program, Triton and Inductor goes where it may be written, and is gone afterwards.
export XDG_CACHE_HOME=$work/home/cache XDG_DATA_HOME=$work/home/data XDG_CONFIG_HOME=$work/home/config XDG_STATE_HOME=$work/home/state
export TORCHINDUCTOR_CACHE_DIR=$work/home/inductor TRITON_CACHE_DIR=$work/home/triton CUDA_CACHE_PATH=$work/home/nv PYTHONDONTWRITEBYTECODE=1
mkdir -p "$XDG_CACHE_HOME" "$XDG_DATA_HOME" "$XDG_CONFIG_HOME" "$XDG_STATE_HOME"

# --- libraries, GPU, PyTorch -------------------------------------------------------------------------------------

python=$(command -v python3 || true)
# Folders of CUDA's libraries, if the loader does not know all that is used.
libraries='' found='known to the loader'
known=$(ldconfig -p 2>/dev/null || /sbin/ldconfig -p 2>/dev/null || true)
for name in libnvrtc.so libcublas.so libcublasLt.so libcurand.so; do
  case $known in *"$name"*) ;; *) libraries=missing ;; esac
done
if [ -n "$libraries" ]; then
  libraries=$( {
    [ -z "$python" ] || "$python" - <<'PY'
import glob, site, sys
roots = site.getsitepackages() + [site.getusersitepackages()] + sys.path
for folder in sorted({lib for root in roots if root for lib in glob.glob(root + "/nvidia/*/lib")}):
    print(folder)
PY
    ls -d /usr/local/cuda/lib64 /usr/local/cuda/targets/x86_64-linux/lib 2>/dev/null
  } | paste -sd: )
  found="not all known to the loader; looked for in ${libraries:-no other place, for there is none}"
fi
ours() { LD_LIBRARY_PATH=${libraries:+$libraries:}${LD_LIBRARY_PATH:-} "$@"; }

device=cuda preset=bc-100-12 why=''
ours timeout 60 "$program" info > "$work/info.txt" 2> "$work/logs/info.log"; info_status=$?
devices=$(grep '^devices' "$work/info.txt" || true)
case $devices in
  *'no cuda: '*) why=$(sed 's/.*no cuda: //; s/; [0-9]* threads$//' <<< "$devices") ;;
  *'cuda:0: '*) why=$(sed 's/.*cuda:0: //; s/; .*//' <<< "$devices") ;;
  *'cuda:0 '*) ;;
  *) why="\`info\` ended with $info_status and names no device" ;;
esac
# That a GPU is there and cannot be used is a failure; that there is none is not.
seen=''
if nvidia-smi -L > "$work/gpus.txt" 2>/dev/null && grep -q '^GPU' "$work/gpus.txt"; then
  seen=$(head -n 1 "$work/gpus.txt")
fi
torch='' torch_why='there is no GPU'
[ -n "$python" ] || torch_why='there is no python3'
if [ -n "$rehearse" ]; then
  device=cpu preset=bc-22-12
  [ -z "$python" ] || { "$python" -c 'import torch; print(torch.__version__)' > "$work/torch.txt" 2> "$work/logs/torch.log" && torch=yes; torch_why='PyTorch is not there'; }
elif [ -n "$python" ] && [ -z "$why" ]; then
  # The number of a GPU is printed only where PyTorch can use it.
  if timeout 90 "$python" -c 'import torch; torch.zeros(1, device="cuda"); print(torch.__version__)' > "$work/torch.txt" 2> "$work/logs/torch.log"
  then torch=yes; else torch_why=$(tail -n 1 "$work/logs/torch.log"); torch_why="PyTorch cannot be used: ${torch_why:-it said nothing}"; fi
fi
gpu_or_skip() { # ends a step that needs a GPU where there is none
  [ -z "$why" ] || [ -n "$rehearse" ] || { echo "skipped: no GPU ($why)"; exit 77; }
}
python_or_fail() { [ -n "$python" ] || { echo "python3 is needed for this and was not found."; exit 1; }; }

# --- steps --------------------------------------------------------------------------------------------------------

summary=() failed='' sections=$work/sections.md
: > "$sections"
# The report as far as it goes: after each step, so that it is there if this is killed.
write_report() {
  {
    echo "# densenet-tui on a GPU"
    echo
    echo "$(date -u +'%Y-%m-%d %H:%M') UTC; ${seen:-no GPU that nvidia-smi knows}; $((SECONDS - begun)) s of $((60 * minutes)) s"
    [ -z "$rehearse" ] || printf '\n**A rehearsal on the processor: nothing below was computed by a GPU.**\n'
    echo
    echo '```'; cat "$here/build.txt" 2>/dev/null; echo '```'
    echo
    echo '| step | result | seconds |'
    echo '|---|---|---:|'
    printf '%s\n' "${summary[@]}"
    cat "$sections"
  } > "$report.new" && mv "$report.new" "$report"
}

# step NAME TITLE SECONDS FUNCTION: runs a function; what it prints is its section, what it complains is its log.
step() {
  local name=$1 title=$2 limit=$3 function=$4 status result from=$SECONDS
  case ,$only, in *,"$name",*) ;; *) return 0 ;; esac
  [ "$limit" -le "$(left)" ] || limit=$(left)
  if [ "$limit" -lt 5 ]; then
    status=1; echo "Not run: no time was left." > "$work/section.md"; : > "$work/logs/$name.log"
  else
    step_end=$((SECONDS + limit))
    ( "$function" ) > "$work/section.md" 2> "$work/logs/$name.log"; status=$?
  fi
  case $status in
    0) result=passed ;;
    77) result=skipped ;;
    *) result=FAILED; failed=yes ;;
  esac
  summary+=("| $title | $result | $((SECONDS - from)) |")
  {
    printf '\n## %s: %s\n\n' "$title" "$result"
    cat "$work/section.md"
    if [ "$status" != 0 ] && [ -s "$work/logs/$name.log" ]; then
      printf '\nThe end of its log:\n\n```\n'; tail -n 15 "$work/logs/$name.log" | cut -c 1-400; printf '```\n'
    fi
  } >> "$sections"
  printf '%4d s  %-8s %s\n' $((SECONDS - begun)) "$result" "$title" >&2
  write_report
}
# limited SECONDS COMMAND…: within the limit, and within that of the step.
limited() {
  local limit=$1 rest=$((step_end - SECONDS)); shift
  [ "$limit" -le "$rest" ] || limit=$rest
  [ "$limit" -ge 1 ] || { echo "no time was left for: ${*:1:3}" >&2; return 124; }
  ours timeout -k 5 "$limit" "$@"
}
train() { # train NAME LINES OPTION…: a run without a screen, its JSON lines kept
  local name=$1 lines=$2; shift 2
  limited 600 "$program" --no-ui --json --device "$device" --runs-dir "$work/runs" --name "$name" "$@" > "$lines"
}
resume() { # the same for a run that goes on
  local name=$1 lines=$2; shift 2
  limited 600 "$program" --no-ui --json --device "$device" --runs-dir "$work/runs" --resume "$name" "$@" > "$lines"
}

machine() {
  echo '```'
  if [ -n "$seen" ]; then
    nvidia-smi --query-gpu=name,driver_version,memory.total,power.limit,clocks.max.sm,clocks.max.memory,temperature.gpu --format=csv 2>&1
  else
    echo "no GPU: nvidia-smi is not there or names none"
  fi
  grep -m 1 'model name' /proc/cpuinfo; echo "$(nproc) processors"; free -g 2>/dev/null | sed -n 2p; uname -sr
  [ -z "$python" ] || "$python" --version
  if [ -n "$torch" ]; then echo "PyTorch $(cat "$work/torch.txt" 2>/dev/null)"; else echo "no comparison: $torch_why"; fi
  echo "CUDA's libraries: ${found}"
  echo '```'
}

info() {
  echo '```'; grep -v '^\(config\|state\|runs\)' "$work/info.txt"; echo '```'
  [ "$info_status" = 0 ] || return 1
  [ -n "$why" ] || return 0
  if [ -n "$seen" ]; then echo "There is a GPU, and the program cannot use it: $why"; return 1; fi
  echo "skipped: no GPU ($why)"; return 77
}

unit() {
  local log=$work/logs/unit-tests.txt status passed skips
  # Golden files are found from the folder that tests run in; those of the interface need a checkout, and no GPU.
  cd "$here" || return 1
  # That every kernel compiles for every GPU takes minutes, and is known without a GPU.
  limited 150 "$here/unit-tests" --nocapture --test-threads 8 --skip compiles_for --skip compile_for ops:: engine:: > "$log" 2>&1; status=$?
  passed=$(grep '^test result' "$log"); skips=$(grep -c 'skipped: ' "$log")
  echo "${passed:-The tests did not end (exit code $status).}"
  echo
  # Some tests want a panic.
  [ "$status" = 0 ] || grep -a '\(^\| \)panicked at\|FAILED$' "$log" | head -n 20 | sed 's/^/- /'
  if [ "$skips" -gt 0 ]; then
    echo "$skips tests said that they were skipped: $(grep -m 1 -o 'skipped: .*' "$log")"
    [ "$status" = 0 ] || return 1
    [ -n "$seen" ] || return 77
    echo "There is a GPU, so none may be."; return 1
  fi
  tail -n 5 "$log" >&2
  return "$status"
}

verify() {
  local file name status=0 said children=()
  gpu_or_skip
  # Side by side: most of the time goes into compiling kernels.
  for file in "$here"/tests/golden/*.safetensors; do
    name=$(basename "$file" .safetensors); said=$work/logs/verify-$name
    { limited 80 "$program" verify "$file" --device "$device" > "$said.txt" 2>&1; echo $? > "$said.status"; } &
    children+=($!)
  done
  wait "${children[@]}"
  for file in "$here"/tests/golden/*.safetensors; do
    name=$(basename "$file" .safetensors); said=$work/logs/verify-$name
    if [ "$(cat "$said.status")" = 0 ]; then echo "- $name agrees with PyTorch"
    else echo "- **$name does not agree, or could not be computed**"; status=1; fi
    echo; echo '```'; cat "$said.txt"; echo '```'; echo
    # A warning says that candle's layers computed it.
    if [ "$device" = cuda ] && grep -qi 'warning' "$said.txt"; then echo "It was not computed by the GPU's kernels."; status=1; fi
  done
  return "$status"
}

same_bits() { # of one precision; the words of `same`
  local kind=$1 stop status=0
  if ! { train "$kind-one" "$work/logs/$kind-one.jsonl" "${recipe[@]}" --precision "$kind" --steps "$steps" &&
         train "$kind-again" "$work/logs/$kind-again.jsonl" "${recipe[@]}" --precision "$kind" --steps "$steps" &&
         train "$kind-parts" "$work/logs/$kind-parts.jsonl" "${recipe[@]}" --precision "$kind" --steps "${stops%% *}"; }; then
    echo "- $kind: a run failed"; return 1
  fi
  for stop in ${stops#* } "$steps"; do
    [ "$stop" = "${stops%% *}" ] || resume "$kind-parts" "$work/logs/$kind-parts-$stop.jsonl" --steps "$stop" ||
      { echo "- $kind: it did not go on"; return 1; }
  done
  "$python" "$here/report.py" same "$work/runs/$kind-one" "$work/runs/$kind-again" || status=1
  "$python" "$here/report.py" same "$work/runs/$kind-one" "$work/runs/$kind-parts" || status=1
  if [ "$device" = cuda ] && grep -h '"event":"warning"' "$work/logs/$kind"-*.jsonl; then status=1; fi
  return "$status"
}
same() {
  gpu_or_skip; python_or_fail
  # 71 steps in an epoch, the last with fewer images: the stops are in the middle of epochs 2 and 3.
  local status=0 kind network=(--preset bc-40-12) steps=190 stops="100 150" kinds="f32 tf32 bf16" children=()
  [ -z "$rehearse" ] || { network=(--layers "1,1,1" --growth-rate 4); steps=80; stops=75; kinds=f32; }
  local recipe=(--data shapes "${network[@]}" --batch-size 64 --augment standard --dropout 0.1 --warmup 1 --epochs 4)
  for kind in $kinds; do same_bits "$kind" > "$work/same-$kind.txt" & children+=($!); done
  for kind in "${children[@]}"; do wait "$kind" || status=1; done
  cat "$work"/same-*.txt
  echo
  echo "\`${network[*]}\` on the shapes, $steps steps: in one go, in one go again, and stopped after step ${stops// / and }, in the middle of an epoch, and resumed."
  return "$status"
}

# Compiles our kernels and PyTorch's networks while nothing is timed; what comes of it is kept for the processes that are.
prepare() {
  local kind network
  case ,$only, in *,bench,*|*,kernels,*) ;; *) return 0 ;; esac
  [ -z "$rehearse" ] && [ -z "$why" ] || return 0
  for network in "$preset" 40-12 bc-22-12; do
    for kind in tf32 bf16 f32; do
      ours timeout 200 "$program" bench --data cifar10 --preset "$network" --precision "$kind" --device cuda --steps 1 \
        > "$work/logs/prepare-$network-$kind.log" 2>&1 &
      children+=($!)
    done
  done
  case ,$only, in *,bench,*) [ -n "$torch" ] || return 0 ;; *) return 0 ;; esac
  for kind in tf32 bf16 f32; do
    timeout 300 "$python" "$here/tests/peer/densenet_torch.py" bench --preset "$preset" --device cuda --mode compile --precision "$kind" \
      --warmup 2 --steps 2 > "$work/logs/compile-$kind.log" 2>&1 &
    children+=($!)
  done
}
# Nothing is timed beside a compiler, and those get a third of the time that is left at most.
settle() {
  local child until=$((SECONDS + $(left) / 3))
  for child in "${children[@]}"; do
    while kill -0 "$child" 2>/dev/null && [ "$SECONDS" -lt "$until" ]; do sleep 1; done
    kill "$child" 2>/dev/null
  done
  children=()
}

kernels() {
  gpu_or_skip; python_or_fail
  [ -z "$rehearse" ] || { echo "skipped: the processor has no GPU kernels"; return 77; }
  limited 60 "$python" "$here/report.py" kernels --binary "$program" --device "$device" --preset "$preset"
}

bench() {
  gpu_or_skip; python_or_fail
  local status results=$report_dir/results.jsonl options=(--beside 40-12 --beside bc-22-12) kind
  if [ -n "$rehearse" ]; then options=(--rounds 2 --steps 2 --peer-steps 1 --precision f32); fi
  if [ -n "$torch" ]; then
    options+=(--peer "$here/tests/peer/densenet_torch.py")
    if [ -z "$rehearse" ]; then
      options+=(--compiled)
      for kind in tf32 bf16 f32; do
        if grep -q '^{' "$work/logs/compile-$kind.log"; then options+=("$kind")
        else printf 'PyTorch was not compiled in %s in time: %s\n\n' "$kind" "$(tail -n 1 "$work/logs/compile-$kind.log")"; fi
      done
    fi
  else
    echo "The comparison is skipped: $torch_why."; echo
  fi
  rm -f "$results"
  limited 600 "$python" "$here/report.py" bench --binary "$program" --out "$results" --device "$device" --preset "$preset" \
    --seconds "$((step_end - SECONDS - 10))" "${options[@]}"
  status=$?
  mv "$report_dir"/results.*.log "$work/logs/" 2>/dev/null
  "$python" "$here/report.py" table "$results" || status=1
  return "$status"
}

# Finds the images, or joins them from their parts, under $work/data; says what is missing.
images() {
  local place list hash name part places_all=("${places[@]}" "$here" "$(dirname "$here")" "$PWD" "$report_dir")
  [ ! -d "$work/data/cifar-10-batches-bin" ] || return 0
  mkdir -p "$work/data"
  for place in "${places_all[@]}"; do
    name=$(find -L "$place" -maxdepth 3 -type d -name cifar-10-batches-bin -print -quit 2>/dev/null)
    if [ -n "$name" ] && [ -f "$name/test_batch.bin" ]; then ln -s "$(cd "$name" && pwd)" "$work/data/cifar-10-batches-bin"; return 0; fi
  done
  list=$here/cifar10.sha256
  [ -f "$list" ] || list=$(find -L "${places_all[@]}" -maxdepth 3 -name cifar10.sha256 -print -quit 2>/dev/null)
  if [ -z "$list" ]; then echo "The images are not here: neither cifar-10-batches-bin nor cifar10.sha256 with its parts."; return 77; fi
  while read -r hash name; do
    case $name in *.part-*) ;; *) continue ;; esac
    part=$(find -L "${places_all[@]}" -maxdepth 3 -name "$name" -print -quit 2>/dev/null)
    if [ -z "$part" ]; then echo "The images are not whole: $name is missing."; return 1; fi
    if [ "$(sha256sum < "$part" | cut -d ' ' -f 1)" != "$hash" ]; then echo "$name is not what was packed: its SHA-256 is another."; return 1; fi
    cat "$part" >> "$work/cifar10.tar.gz"
  done < "$list"
  hash=$(grep ' cifar10.tar.gz$' "$list" | cut -d ' ' -f 1)
  if [ "$(sha256sum < "$work/cifar10.tar.gz" | cut -d ' ' -f 1)" != "$hash" ]; then echo "The images joined are not what was packed."; return 1; fi
  tar -C "$work/data" -xzf "$work/cifar10.tar.gz" && rm "$work/cifar10.tar.gz"
}

training() {
  local lines=$work/logs/training.jsonl options=() status
  gpu_or_skip; python_or_fail
  images || return
  [ $((step_end - SECONDS)) -ge 20 ] || { echo "No time was left when the images were there."; return 1; }
  [ -z "$rehearse" ] || options=(--train-limit 640)
  # Room for the end: the last save, and the test images.
  train short "$lines" --data cifar10 --data-dir "$work/data" --preset "$preset" --augment standard --validation 0 \
    --epochs "$epochs" --schedule "step:$(( (epochs + 1) / 2 ))" --precision "$precision" "${options[@]}" \
    --stop-after "$((step_end - SECONDS - 10))s"
  status=$?
  echo "$preset on CIFAR-10+, $epochs epochs, the learning rate a tenth after epoch $(( (epochs + 1) / 2 )), $precision."; echo
  "$python" "$here/report.py" training "$lines" || status=1
  # Stopped by its limit it has not looked at the test images.
  if grep -q '"event":"finished"' "$lines" && ! grep -q '"outcome":"completed"' "$lines"; then
    echo; echo "**It had no time to end**; with the weights that it had come to:"
    limited 30 "$program" evaluate "$(newest short)" --data-dir "$work/data" --device "$device" 2>&1 | tail -n 2; status=1
  fi
  if [ "$device" = cuda ] && grep -q '"event":"warning"' "$lines"; then status=1; fi
  return "$status"
}
newest() { find "$work/runs/$1/checkpoints" -name 'step-*.safetensors' | sort | tail -n 1; }

long_run() {
  local lines=$work/logs/long.jsonl state='' place status options=() kept=$work/kept
  gpu_or_skip; python_or_fail
  images || return
  for place in "$report_dir" "${places[@]}" "$here" "$(dirname "$here")" "$PWD"; do
    if [ -f "$place/long-run.tar" ]; then state=$place/long-run.tar; break; fi
  done
  [ $((step_end - SECONDS)) -ge 40 ] || { echo "No time was left when the images were there."; return 1; }
  mkdir -p "$work/runs"
  # Room for the end: the last save, the test images, and packing.
  options=(--data-dir "$work/data" --stop-after "$((step_end - SECONDS - 20))s")
  if [ -n "$state" ]; then
    tar -C "$work/runs" -xf "$state" || { echo "$(basename "$state") cannot be unpacked."; return 1; }
    if grep -q '"state": "completed"' "$work/runs/long/summary.json"; then
      echo "It is complete: $(basename "$(newest long)" .safetensors)."; echo
      "$python" "$here/report.py" training "$work/runs/long/journal.jsonl"; return
    fi
    echo "It goes on from $(basename "$(newest long)" .safetensors)."; echo
    resume long "$lines" "${options[@]}"; status=$?
  else
    [ -z "$rehearse" ] || options+=(--train-limit 640 --epochs 20)
    train long "$lines" --data cifar10 --preset "$preset" --augment standard --validation 0 --precision "$precision" "${options[@]}"; status=$?
  fi
  if [ ! -d "$work/runs/long/checkpoints" ]; then echo "There is nothing to keep."; return 1; fi
  "$python" "$here/report.py" training "$work/runs/long/journal.jsonl" || status=1
  # The newest checkpoint is all that is needed to go on.
  mkdir -p "$kept/long/checkpoints"
  cp "$work"/runs/long/*.* "$kept/long/" 2>/dev/null
  if ! { cp "$(newest long)" "$kept/long/checkpoints/" && tar -C "$kept" -cf "$report_dir/long-run.tar.new" long &&
         mv "$report_dir/long-run.tar.new" "$report_dir/long-run.tar"; }; then echo "The run could not be kept."; return 1; fi
  if ! grep -q '"outcome":"completed"' "$lines"; then
    echo; echo "It is not at its end; \`run.sh --long\` goes on with \`long-run.tar\`. With the weights that it has come to:"; echo
    limited 30 "$program" evaluate "$(newest long)" --data-dir "$work/data" --device "$device" 2>&1 | tail -n 2
  fi
  return "$status"
}

# --- all of it ----------------------------------------------------------------------------------------------------

write_report
step machine "The machine" 20 machine
if [ -z "$long" ]; then
  prepare
  step info "\`info\`" 20 info
  step unit "Unit tests" 160 unit
  step verify "Golden files" 90 verify
  step same "The same bits: twice, and resumed" 90 same
  settle
  step kernels "Each kernel by itself" 60 kernels
  # What is left is shared by the timing and the training.
  case ,$only, in *,training,*) reserve=$(( $(left) > 330 ? 150 : $(left) / 3 )) ;; *) reserve=0 ;; esac
  step bench "Speed" $(( $(left) - reserve - 5 )) bench
  step training "A short training" $(( $(left) - 5 )) training
else
  step long "300 epochs on CIFAR-10+" $(( $(left) - 5 )) long_run
fi

tar -C "$work" -czf "$report_dir/logs.tar.gz" logs 2>/dev/null || failed=yes
write_report
echo "$report" >&2
if [ -n "$why" ] && [ -z "$rehearse" ] && [ -z "$seen" ]; then exit 3; fi
[ -z "$failed" ]
