#!/usr/bin/env bash
# stage.sh FOLDER CONTEXT: puts the programs of the musl archives in FOLDER where the Dockerfile looks for them, by the
# names that docker has for the platforms.
set -euo pipefail

folder=${1:?stage.sh FOLDER CONTEXT}
context=${2:?stage.sh FOLDER CONTEXT}

for pair in x86_64:amd64 aarch64:arm64; do
    archives=("$folder"/peerctl-*-"${pair%:*}"-unknown-linux-musl.tar.gz)
    [[ ${#archives[@]} == 1 && -e ${archives[0]} ]] || { echo "$folder has not one archive for ${pair%:*} and musl" >&2; exit 1; }
    mkdir -p "$context/linux/${pair#*:}"
    tar -xzf "${archives[0]}" --strip-components=1 -C "$context/linux/${pair#*:}" "$(basename "${archives[0]}" .tar.gz)/peerctl"
done
