#!/usr/bin/env bash
# Simulates many seeds in ranges of 50, a process for each core, and keeps what each
# range printed in a directory: what is there already is not run again. The last
# lines are the sums over all ranges in the directory.
#
#   scripts/sim-ranges.sh DIR FROM TO [BLOCKS]    # seeds, both included; 200 blocks
#   scripts/sim-ranges.sh DIR                     # only the sums
set -euo pipefail

if (($# != 1 && $# != 3 && $# != 4)); then
  sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
dir=$1 blocks=${4:-200}
mkdir -p "$dir"

run() { # a range, by its first seed
  local first=$1 last log
  last=$((first + 49 < to ? first + 49 : to))
  log=$dir/$(printf '%07d-%07d' "$first" "$last")
  [[ ! -e $log ]] || return 0
  "$dir/sim" --seeds "$first:$last" --blocks "$blocks" --workers 1 >"$log.part" || true
  grep -q '^breaks' "$log.part" # else it has not come to its end
  mv "$log.part" "$log"
}

if (($# > 1)); then
  from=$2 to=$3
  go build -o "$dir/sim" ./test/simnet/sim
  export -f run
  export dir to blocks
  seq "$from" 50 "$to" | xargs -P "$(nproc)" -I{} bash -euo pipefail -c 'run {}'
fi

shopt -s nullglob
logs=("$dir"/*[0-9])
if ((${#logs[@]} == 0)); then
  echo "sim-ranges: nothing is in $dir" >&2
  exit 1
fi
grep -h '^BREAK' "${logs[@]}" || true
awk '
  function kind(text, count) { count = text + 0; sub(/^[0-9]+ with /, "", text); of[text] += count }
  /^seeds /            { seeds += $2; sub(/.*: /, ""); for (i = split($0, part, /[,;] /); i > 0; i--) kind(part[i]) }
  /^blocks / && /replayed/ { blocks += $2; replayed += $4 }
  /^transfers /        { transfers += $2 }
  /^invariant checks / { checks += $3; whole += $8 }
  /^breaks /           { breaks += $2 }
  /^ +[0-9]+  /        { count = $1; sub(/^ +[0-9]+  /, ""); if (!($0 in sum)) order[++kinds] = $0; sum[$0] += count }
  /^ +NEVER  /         { sub(/^ +NEVER  /, ""); if (!($0 in sum)) { order[++kinds] = $0; sum[$0] = 0 } }
  END {
    printf "seeds %d", seeds
    for (k in of) printf ", %d with %s", of[k], k
    printf "\nblocks %d, and %d replayed after crashes\ntransfers %d\n", blocks, replayed, transfers
    for (i = 1; i <= kinds; i++) if (sum[order[i]]) printf "%12d  %s\n", sum[order[i]], order[i]
    for (i = 1; i <= kinds; i++) if (!sum[order[i]]) printf "%12s  %s\n", "NEVER", order[i]
    printf "invariant checks %d comparisons with the world, %d whole states\nbreaks %d\n", checks, whole, breaks
    exit breaks > 0
  }' "${logs[@]}"
