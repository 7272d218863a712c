#!/usr/bin/env bash
# Regenerates everything and fails if a file differs from what was there before.
# Run on a clean checkout it says whether the committed files are up to date.
set -euo pipefail
cd "$(dirname "$0")/.."

generated=(x/bridge/bridgepb contracts)

# State of the files that git knows or would take, with their content.
state() {
  git ls-files --cached --others --exclude-standard -- "${generated[@]}" | sort -u |
    while read -r file; do
      if [[ -f $file ]]; then echo "$(git hash-object -- "$file") $file"; else echo "deleted $file"; fi
    done
}

before=$(state)
make generate
after=$(state)

if [[ $before != "$after" ]]; then
  echo "check-generated: these differ from what their sources give; run 'make generate' and commit:" >&2
  diff <(echo "$before") <(echo "$after") | sed -nE 's/^[<>] [^ ]+ /  /p' | sort -u >&2
  git --no-pager diff --stat -- "${generated[@]}" >&2
  exit 1
fi
echo "check-generated: all up to date"
