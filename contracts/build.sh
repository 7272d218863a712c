#!/bin/sh
# Rebuilds contracts/artifacts and contracts/bindings from the sources and the pinned tools.
# The result is the same byte for byte wherever it runs; `make check-generated` holds us to it.
set -eu
cd "$(dirname "$0")"
npm ci --ignore-scripts --no-audit --no-fund --silent
node compile.js
go run ./gen
