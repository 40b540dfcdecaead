#!/usr/bin/env bash
# Miri, AddressSanitizer and ThreadSanitizer on the tests of `simd` and `lstm`: minutes each, so they are no part of
# `npm test`. docs/kernel-checks.md says what each covers.
#
#   tools/setup/sanitize.sh [miri|address|thread|all]   needs Rust's nightly toolchain with miri and rust-src
set -euo pipefail
cd "$(dirname "$0")/../.."
target=x86_64-unknown-linux-gnu
manifest=native/Cargo.toml

for component in miri rust-src; do
  rustup component list --toolchain nightly --installed 2>/dev/null | grep -q "^$component" || {
    echo "$component was not found: rustup toolchain install nightly --component miri,rust-src" >&2
    exit 1
  }
done

# Undefined behaviour, with AVX2 and FMA interpreted too; sizes are small ones wherever `cfg!(miri)` stands.
miri() {
  export RUSTFLAGS="-Ctarget-feature=+avx2,+fma" MIRIFLAGS="-Zmiri-disable-isolation"
  cargo +nightly miri test --manifest-path $manifest -p macrograd-simd --test activations -- fused keeps_zeros
  cargo +nightly miri test --manifest-path $manifest -p macrograd-simd --lib
  cargo +nightly miri test --manifest-path $manifest -p macrograd-lstm --test kernel -- fast::forward fast::backward fast::jacobian
}

# The tests of both crates on every instruction set of the processor. The sanitizer of threads has to see the standard
# library's own synchronisation, which is therefore compiled with it.
sanitizer() {
  local std=()
  [ "$1" = thread ] && std=(-Zbuild-std)
  RUSTFLAGS="-Zsanitizer=$1 -Copt-level=1" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-native/target}/$1" \
    cargo +nightly test "${std[@]}" --profile quick --target $target --manifest-path $manifest \
    -p macrograd-simd -p macrograd-lstm --lib --tests
}

case "${1:-all}" in
  miri) miri ;;
  address | thread) sanitizer "$1" ;;
  all) miri && sanitizer address && sanitizer thread ;;
  *) echo "usage: $0 [miri|address|thread|all]" >&2 && exit 2 ;;
esac
