#!/bin/sh
# Installs what a delivery runs with, pinned to the byte: engine, AWS plugin, and the packages of requirements.txt.
#   RELEASES_URL      where the archives are
#   ENGINE_SHA256     digest of the engine's archive
#   PLUGIN_SHA256     digest of the plugin's archive
set -eu
cd "$(dirname "$0")/.."
. delivery/versions.sh
tools=.delivery
mkdir -p "$tools"

# fetch ARCHIVE SHA256 SETTING: an archive of the releases, refused unless its digest is the expected one.
fetch() {
    file=$tools/$(basename "$1")
    curl --fail --silent --show-error --location --retry 5 --output "$file" "$RELEASES_URL/$1"
    found=$(sha256sum "$file" | cut -d ' ' -f 1)
    if [ "$found" != "$2" ]; then
        echo "$RELEASES_URL/$1 has the SHA-256 $found, and the setting sm-mlops:delivery.$3 says $2." >&2
        echo "After a change of the version in requirements.txt, compare with Pulumi's published digests and renew it." >&2
        rm "$file"
        exit 2
    fi
}

fetch "$engine_archive" "$ENGINE_SHA256" engineSha256
tar --extract --gzip --file "$tools/$(basename "$engine_archive")" --directory "$tools"
fetch "$plugin_archive" "$PLUGIN_SHA256" pluginSha256
"$tools/pulumi/pulumi" plugin install resource aws "$plugin_version" --file "$tools/$(basename "$plugin_archive")"
python3 -m venv .venv
.venv/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes --only-binary=:all: \
    --requirement requirements.txt
