#!/usr/bin/env bash
# Runs the tests of `simd` and `lstm` on NEON where the machine is no aarch64: cross-compiled, under qemu's user emulation.
# Some minutes, so it is no part of `npm test`.
#
#   tools/emulation/neon.sh [test filter ...]          needs Debian's qemu-user gcc-aarch64-linux-gnu and the Rust target
set -euo pipefail
workspace=$(cd "$(dirname "$0")/../.." && pwd)
target=aarch64-unknown-linux-gnu
system=${AARCH64_SYSTEM:-/usr/aarch64-linux-gnu} # where the target's C library lies

missing() {
  echo "$1 was not found: $2" >&2
  exit 1
}
for need in qemu-aarch64 aarch64-linux-gnu-gcc; do
  command -v "$need" >/dev/null || missing "$need" "apt-get install qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
done
[ -e "$system/lib/ld-linux-aarch64.so.1" ] || missing "$system/lib/ld-linux-aarch64.so.1" "apt-get install libc6-arm64-cross"
(cd "$workspace" && rustup target list --installed | grep -qx "$target") || missing "Rust's $target" "rustup target add $target"

export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L $system"
cd "$workspace"
# What runs for seconds is compiled for minutes, so `lstm` is optimised no further than that.
exec cargo test --profile quick --config 'profile.quick.package.macrograd-lstm.opt-level=1' --target "$target" \
  --manifest-path native/Cargo.toml -p macrograd-simd -p macrograd-lstm -- "$@"
