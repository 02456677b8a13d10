#!/usr/bin/env bash
# notes.sh TAG: the notes of the release vX.Y.Z, which are that version's section of CHANGELOG.md.
# Refuses a tag that is not Cargo.toml's version, and a section that has no date yet or says nothing.
# Run it at the top of the repository.
set -euo pipefail

tag=${1:?notes.sh TAG}
version=$(sed -n '/^version = /{s/^version = "\(.*\)"$/\1/p;q;}' Cargo.toml)

refuse() { echo "$tag cannot be released: $1" >&2; exit 1; }

[[ $tag == "v$version" ]] || refuse "Cargo.toml has the version $version"
heading=$(grep -F "## [$version]" CHANGELOG.md) || refuse "CHANGELOG.md has no section '## [$version] - DATE'"
[[ $heading =~ ^"## [$version] - "[0-9]{4}-[0-9]{2}-[0-9]{2}$ ]] || refuse "CHANGELOG.md has '$heading', without a date"
# From the heading to the next one, or to the links at the end.
notes=$(awk -v heading="$heading" '$0 == heading { within = 1; next } /^## |^\[[^]]*\]: / { within = 0 } within' CHANGELOG.md)
[[ $notes =~ [^[:space:]] ]] || refuse "CHANGELOG.md says nothing about it"
printf '%s\n' "$notes"
