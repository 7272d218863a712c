#!/usr/bin/env bash
# Runs the fuzz targets of this module.
#
#   scripts/fuzz.sh each 5m     each target for five minutes
#   scripts/fuzz.sh total 100   all targets in about a hundred seconds together
#   scripts/fuzz.sh list        only says which there are
#
# Test binaries are built first, so that the time given is spent on fuzzing. New
# inputs go where `go test -fuzz` keeps its own; an input that fails is written
# to testdata/fuzz of its package.
set -euo pipefail
cd "$(dirname "$0")/.."

# Decoders of bytes that come from others: each of them must have a target.
required=(app:FuzzVote app:FuzzProposal app:FuzzTx app:FuzzQuery x/bridge:FuzzDecodeTx)

targets=() # "import path|directory|target"
while IFS='|' read -r path dir files; do
  for file in $files; do
    for target in $(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$dir/$file"); do
      targets+=("$path|$dir|$target")
    done
  done
done < <(go list -f '{{.ImportPath}}|{{.Dir}}|{{range .TestGoFiles}}{{.}} {{end}}{{range .XTestGoFiles}}{{.}} {{end}}' ./...)

missing=0
module=$(go list -m)
for want in "${required[@]}"; do
  found=0
  for t in ${targets[@]+"${targets[@]}"}; do
    [[ $t == "$module/${want%%:*}|"*"|${want##*:}" ]] && found=1
  done
  if ((!found)); then
    echo "fuzz: package ${want%%:*} has no ${want##*:}" >&2
    missing=1
  fi
done

if [[ ${1:-} == list ]]; then
  for t in ${targets[@]+"${targets[@]}"}; do echo "${t%%|*} ${t##*|}"; done
  exit $missing
fi
if ((${#targets[@]} == 0)); then
  echo "fuzz: there are no targets" >&2
  exit 1
fi

case "${1:-}" in
  each) per=$2 ;;
  total)
    # A second of each share goes into starting the workers.
    per=$(($2 / ${#targets[@]} - 1))
    ((per >= 1)) || per=1
    per=${per}s
    ;;
  *)
    echo "usage: scripts/fuzz.sh each TIME | total SECONDS | list" >&2
    exit 2
    ;;
esac

bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
cache=$(go env GOCACHE)/fuzz

began=$SECONDS
for t in "${targets[@]}"; do
  IFS='|' read -r path _ _ <<<"$t"
  out=$bin/${path//\//_}
  # Only our own packages count coverage: `go test -fuzz` would compile all
  # dependencies once more, and they would run several times slower.
  [[ -e $out ]] || go test -c -gcflags="$module/...=-d=libfuzzer" -o "$out" "$path"
done
echo "fuzz: built in $((SECONDS - began)) s; ${#targets[@]} targets, $per each"

# run fuzzes one target, and writes what it prints to $bin/log too.
run() {
  local path=$1 dir=$2 target=$3
  # Minimising is cut short: a target that drives whole nodes would do little else.
  (cd "$dir" && "$bin/${path//\//_}" -test.run '^$' -test.fuzz "^$target\$" \
    -test.fuzztime "$per" -test.fuzzminimizetime 5x -test.fuzzcachedir "$cache/$path") 2>&1 | tee "$bin/log"
}

# unlucky says whether a target failed for nothing but the end of its time: Go before
# 1.27 sometimes calls that a failure (https://go.dev/issue/75804). Then no input is
# written, and the target's whole complaint is one line.
unlucky() {
  ! grep -q 'Failing input written' "$bin/log" &&
    [[ $(sed '1,/^--- FAIL: /d' "$bin/log") == $'    context deadline exceeded\nFAIL' ]]
}

failed=$missing
began=$SECONDS
for t in "${targets[@]}"; do
  IFS='|' read -r path dir target <<<"$t"
  echo "== $path $target"
  for try in 1 2 3; do
    run "$path" "$dir" "$target" && break
    if ((try == 3)) || ! unlucky; then
      failed=1
      break
    fi
    echo "fuzz: its time ended in the middle of an input; once more"
  done
done
echo "fuzz: ran for $((SECONDS - began)) s"
exit $failed
