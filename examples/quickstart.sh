#!/usr/bin/env bash
# From a fresh Debian 12 machine to a converted model: installs what is missing, builds, converts the bundled toy model
# to a Q4_K_M GGUF, and shows what came out. Run it again at any time; it goes on from what is there.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build
model=$root/examples/licence-lm-2m
output=$build/licence-lm-2m-Q4_K_M.gguf

step() { printf '\n== %s\n' "$*"; }
trap 'printf "\nquickstart: stopped at line %s; the lines above say why\n" "$LINENO" >&2' ERR

step "1/4 packages (asks for root only when one is missing)"
"$root/tests/install_deps.sh" build

step "2/4 build into $build"
cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DHEIRLOOM_TESTS=OFF
cmake --build "$build"

step "3/4 convert $(basename "$model") to a Q4_K_M GGUF"
"$build/bin/heirloom" convert "$model" "$output" --quantize Q4_K_M --stats --force

step "4/4 what came out"
"$build/bin/heirloom" inspect "$output" --tensors

cat <<END

Done: $output
Try next:
  $build/bin/heirloom diff $model $output
  $build/bin/heirloom convert MODEL_DIRECTORY model.gguf --quantize BF16
  $build/bin/heirloom --help
END
