#!/usr/bin/env bash
# pack.sh TARGET PROGRAM FOLDER: puts peerctl-VERSION-TARGET.tar.gz (.zip for Windows) into FOLDER: the program, what it
# says about itself to shells and to man, README, CHANGELOG and LICENSE.
# Run it at the top of the repository, where the program can run. Works with the bash 3.2 of macOS.
set -euo pipefail

target=${1:?pack.sh TARGET PROGRAM FOLDER}
program=${2:?pack.sh TARGET PROGRAM FOLDER}
mkdir -p "${3:?pack.sh TARGET PROGRAM FOLDER}"
folder=$(cd "$3" && pwd)
version=$(sed -n '/^version = /{s/^version = "\(.*\)"$/\1/p;q;}' Cargo.toml)
name=peerctl-$version-$target

# The Debian package takes them from here, too.
share=target/share
rm -rf "$share"
mkdir -p "$share/completions" "$share/man"
for pair in bash:peerctl.bash zsh:_peerctl fish:peerctl.fish powershell:_peerctl.ps1 elvish:peerctl.elv; do
    "$program" completions "${pair%%:*}" >"$share/completions/${pair#*:}"
done
"$program" man "$share/man"
[[ -s $share/man/peerctl.1 ]] || { echo "$program has written no man page" >&2; exit 1; }

staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT
mkdir "$staging/$name"
cp -R "$program" README.md CHANGELOG.md LICENSE "$share/completions" "$share/man" "$staging/$name"
cd "$staging"
case $target in
    *windows*)
        # GitHub's Windows machines have 7z and no zip.
        if command -v zip >/dev/null; then zip -qr "$folder/$name.zip" "$name"; else 7z a -bso0 "$folder/$name.zip" "$name"; fi
        ;;
    *) tar -czf "$folder/$name.tar.gz" "$name" ;;
esac
