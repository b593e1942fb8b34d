#!/usr/bin/env bash
# Installs what the tests need, builds, and runs every test. The last lines are ctest's summary of the main build.
#
#   tests/run.sh                 everything
#   tests/run.sh GROUP...        only these, in this order:
#     sanitize   clang build with address and undefined-behaviour checks: unit tests, broken input, contract, fuzzers
#     threads    clang build with data-race checks: tests of the executor
#     unit, layers, e2e, parity, ggml, quantize, llama_cpp, tokenizers, ...   tests of the main build (g++, Release, warnings are errors) by label
#
# HEIRLOOM_TEST_BUILD names the build folder (default: build-test). HEIRLOOM_JOBS bounds parallel jobs (default: cores).
# HEIRLOOM_BIG_TESTS=1 adds the checkpoint of 4 GB.
set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build_dir=${HEIRLOOM_TEST_BUILD:-$source_dir/build-test}
jobs=${HEIRLOOM_JOBS:-$(nproc)}
clang=(-DCMAKE_C_COMPILER=clang-14 -DCMAKE_CXX_COMPILER=clang++-14)

say() { printf '\n== %s (%d s)\n' "$*" "$SECONDS"; }

configure() {  # NAME OPTION...
  cmake -S "$source_dir" -B "$build_dir/$1" -G Ninja -DHEIRLOOM_WERROR=ON -DHEIRLOOM_TESTS=ON \
    -DHEIRLOOM_TEST_NPM_DIR="$build_dir/npm" "${@:2}" >"$build_dir/$1.configure.log" 2>&1 ||
    { cat "$build_dir/$1.configure.log"; return 1; }
}

build() {  # NAME TARGET...
  cmake --build "$build_dir/$1" --parallel "$jobs" ${2:+--target "${@:2}"}
}

test_build() {  # NAME CTEST-OPTION...
  ctest --test-dir "$build_dir/$1" --output-on-failure --no-tests=error --parallel "$jobs" "${@:2}"
}

# One build serves three ends: clang's warnings, the sanitizers, and libFuzzer's instrumentation.
run_sanitize() {
  say "sanitize: build"
  configure sanitize "${clang[@]}" -DCMAKE_BUILD_TYPE=None "-DCMAKE_CXX_FLAGS=-O1" "-DCMAKE_C_FLAGS=-O1" \
    -DHEIRLOOM_SANITIZE=address,undefined -DHEIRLOOM_FUZZ=ON
  build sanitize
  say "sanitize: tests"
  ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 \
    test_build sanitize --label-regex '^(unit|fuzz|sanitized)$'
}

run_threads() {
  say "threads: build"
  configure threads "${clang[@]}" -DCMAKE_BUILD_TYPE=None "-DCMAKE_CXX_FLAGS=-O1" "-DCMAKE_C_FLAGS=-O1" \
    -DHEIRLOOM_SANITIZE=thread
  build threads test_run
  say "threads: tests"
  test_build threads --tests-regex '^unit\.run$'
}

is_built=no
run_main() {  # CTEST-OPTION...
  if [ "$is_built" = no ]; then
    say "main: build"
    configure main -DCMAKE_BUILD_TYPE=Release
    build main
    is_built=yes
  fi
  say "main: tests"
  test_build main "$@"
}

main() {
  mkdir -p "$build_dir"
  say "packages"
  "$source_dir/tests/install_deps.sh" test "$build_dir/npm"
  if [ $# -eq 0 ]; then
    run_sanitize
    run_threads
    run_main
  fi
  local group
  for group in "$@"; do
    case $group in
      sanitize) run_sanitize ;;
      threads) run_threads ;;
      *) run_main --label-regex "^$group\$" ;;
    esac
  done
}

main "$@"
