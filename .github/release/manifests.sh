#!/usr/bin/env bash
# manifests.sh FOLDER: puts SHA256SUMS into FOLDER, over everything that is there, and the manifests for package managers
# that name its archives: peerctl.rb (Homebrew) and those of winget. No archive may be missing.
# Run it at the top of the repository.
set -euo pipefail

folder=${1:?manifests.sh FOLDER}
version=$(sed -n '/^version = /{s/^version = "\(.*\)"$/\1/p;q;}' Cargo.toml)
templates=$(cd "$(dirname "$0")" && pwd)

sums=$(cd "$folder" && sha256sum -- *)

# fill TEMPLATE: @VERSION@, and @SHA256 FILE@ for the sum of that file.
fill() {
    local text file sum
    text=$(<"$1")
    text=${text//@VERSION@/$version}
    while [[ $text =~ @SHA256\ ([^@]+)@ ]]; do
        file=${BASH_REMATCH[1]}
        sum=$(awk -v file="$file" '$2 == file { print $1 }' <<<"$sums")
        [[ $sum ]] || { echo "$(basename "$1") names $file, which is not in $folder" >&2; exit 1; }
        text=${text//"@SHA256 $file@"/$sum}
    done
    printf '%s\n' "$text" >"$folder/$(basename "$1")"
}

for template in "$templates"/peerctl.rb "$templates"/winget/*.yaml; do
    fill "$template"
done
printf '%s\n' "$sums" >"$folder/SHA256SUMS"
