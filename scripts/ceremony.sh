#!/usr/bin/env bash
# The ceremony that makes a new network, in three steps. `bridged` has to be in
# PATH, or named by BRIDGED.
#
# Each validator makes its home with all keys, and sends the entry that is printed
# to the coordinator:
#
#   scripts/ceremony.sh entry HOME MONIKER CHAIN_ID POWER > MONIKER.json
#
# The coordinator, who is one of them, puts the entries into a folder, names
# chains and assets in two files, deploys the contracts and makes the genesis. The
# account that pays is BRIDGED_KEY. A line of CHAINS is "LABEL RPC-URL", and more
# flags of `genesis add-chain`; a line of ASSETS is the arguments of `genesis
# add-asset`. Contracts that a run before has deployed are taken from CHAINS.deployed.
#
#   scripts/ceremony.sh assemble HOME ENTRIES CHAINS ASSETS
#
# Each validator takes the genesis, if it has the hash that all have compared, and
# its own look at the contracts finds what the genesis says:
#
#   scripts/ceremony.sh adopt HOME GENESIS HASH CHAINS
#
# Passphrases come from BRIDGED_SIGNER_PASSPHRASE and BRIDGED_OPERATOR_PASSPHRASE,
# or from the terminal. KEY_FLAGS=--light makes keystores that open fast, for
# rehearsals only.
set -euo pipefail

bridged=${BRIDGED:-bridged}

die() {
  echo "ceremony: $*" >&2
  exit 1
}

usage() {
  sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | sed '$d' >&2
  exit 2
}

# lines FILE: those of a file that are not empty, without comments.
lines() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$1"; }

entry() {
  local home=$1 moniker=$2 chain_id=$3 power=$4 role
  if [[ ! -e $home/config/node_key.json ]]; then
    "$bridged" init "$moniker" --chain-id "$chain_id" --home "$home" >&2
  fi
  for role in signer operator; do
    # shellcheck disable=SC2086 # flags
    "$bridged" keys show "$role" --home "$home" >/dev/null 2>&1 ||
      "$bridged" keys add "$role" --home "$home" ${KEY_FLAGS:-} >&2
  done
  "$bridged" genesis add-validator --entry --power "$power" --home "$home"
}

# deploy HOME LABEL RPC DEPLOYED: the chain's id and contract, made at most once.
deploy() {
  local home=$1 label=$2 rpc=$3 deployed=$4 known result
  touch "$deployed"
  known=$(awk -v label="$label" '$1 == label { print $2, $3 }' "$deployed")
  if [[ -z $known ]]; then
    result=$("$bridged" contracts deploy --home "$home" --rpc "$rpc" --output text) || die "deploying on $label failed: run this again"
    known=$(awk '$1 == "bridge" { bridge = $2 } $1 == "chain" && $2 == "id" { id = $3 } END { print id, bridge }' <<<"$result")
    [[ $known == [0-9]*" 0x"* ]] || die "deploying on $label: cannot read its result: $result"
    echo "$label $known" >>"$deployed"
  fi
  echo "$known"
}

assemble() {
  local home=$1 entries=$2 chains=$3 assets=$4 label rpc more id contract line
  "$bridged" genesis collect "$entries"/*.json --home "$home" >&2
  while read -r label rpc more <&3; do
    [[ -n $rpc ]] || die "$chains: \"$label\" has no RPC URL"
    read -r id contract < <(deploy "$home" "$label" "$rpc" "$chains.deployed")
    [[ -n ${contract:-} ]] || die "chain $label: nothing was deployed"
    # shellcheck disable=SC2086 # more flags
    "$bridged" genesis add-chain "$label" --home "$home" --id "$id" --bridge "$contract" $more >&2
  done 3< <(lines "$chains")
  while read -r line <&3; do
    eval "set -- $line" # quoted as in a shell
    "$bridged" genesis add-asset "$@" --home "$home" >&2
  done 3< <(lines "$assets")
  "$bridged" genesis validate --home "$home" >&2
  verify "$home" "$chains"
  echo "Send $home/config/genesis.json to all validators. Everybody compares its hash:" >&2
  "$bridged" genesis hash --home "$home"
}

# verify HOME CHAINS: this machine's own look at every contract.
verify() {
  local home=$1 chains=$2 label rpc _
  while read -r label rpc _ <&3; do
    "$bridged" contracts verify "$label" --home "$home" --rpc "$rpc" >&2 || die "the contract of chain $label is not what the genesis says: do not start"
  done 3< <(lines "$chains")
}

adopt() {
  local home=$1 genesis=$2 want=$3 chains=$4 got
  got=$("$bridged" genesis hash --genesis "$genesis" --home "$home")
  [[ $got == "$want" ]] || die "$genesis has the hash $got, all have compared $want: ask the coordinator for the file again"
  cp "$genesis" "$home/config/genesis.json"
  chmod 600 "$home/config/genesis.json"
  "$bridged" genesis validate --home "$home" >&2
  verify "$home" "$chains"
  echo "ready: name your endpoints of each chain in $home/config/app.toml, and your peers in config.toml; then \"bridged start --home $home\"" >&2
}

step=${1:-}
[[ -z $step ]] || shift
case "$step:$#" in
  entry:4) entry "$@" ;;
  assemble:4) assemble "$@" ;;
  adopt:4) adopt "$@" ;;
  *) usage ;;
esac
