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

# A sanitizer's name, then what cargo takes beside. Compiling takes longest by far, as every test binary holds the kernel for
# each number type and instruction set: crates at `opt-level` 1.
sanitized() {
  local name=$1
  shift
  RUSTFLAGS="-Zsanitizer=$name" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-native/target}/$name" cargo +nightly test \
    --profile quick --config profile.quick.opt-level=1 --target $target --manifest-path $manifest "$@"
}

# All tests of both crates, on every instruction set of the processor.
address() { sanitized address -p macrograd-simd -p macrograd-lstm --lib --tests; }

# The tests that start threads. This sanitizer has to see the standard library's own synchronisation, which is therefore
# compiled with it, and the dependencies once more, without optimisation.
thread() {
  local options=(-Zbuild-std --config 'profile.quick.package."*".opt-level=0')
  sanitized thread "${options[@]}" -p macrograd-simd --lib
  sanitized thread "${options[@]}" -p macrograd-lstm --test kernel -- thread batch cancelled hessian
  sanitized thread "${options[@]}" -p macrograd-lstm --test closed_form -- threads
}

case "${1:-all}" in
  miri) miri ;;
  address | thread) "$1" ;;
  all) miri && address && thread ;;
  *) echo "usage: $0 [miri|address|thread|all]" >&2 && exit 2 ;;
esac
