#!/bin/sh
# Unpacks Debian's Prometheus and promtool into FOLDER for the tests, which skip without them. It
# installs nothing: lists and cache of the package manager are FOLDER's own, too.
set -eu
folder=$1
if command -v prometheus >/dev/null && command -v promtool >/dev/null; then
  exit 0
fi
without() {
  echo "$1: tests that need Prometheus will be skipped"
  rm -rf "$folder"
  exit 0
}
command -v apt-get >/dev/null && command -v dpkg >/dev/null || without "not Debian"
rm -rf "$folder"
mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
folder=$(cd "$folder" && pwd)
apt() {
  apt-get -qq -o Dir::State::Lists="$folder/lists" -o Dir::Cache="$folder/cache" \
    -o Acquire::Retries=2 -o Acquire::http::Timeout=20 -o APT::Sandbox::User= "$@"
}
cd "$folder/cache"
apt update && apt download prometheus && dpkg -x prometheus_*.deb "$folder" \
  || without "Debian's package prometheus cannot be fetched"
rm -rf "$folder/lists" "$folder/cache"
touch "$folder/.ready"
