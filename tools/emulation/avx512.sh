#!/usr/bin/env bash
# Runs the native test suite on AVX-512 where the machine has none: a small Linux boots in the Bochs emulator with the
# test binaries as its only programs. Slow (a minute to boot, then some hundred times slower than hardware), so it is no
# part of `npm test`.
#
#   tools/emulation/avx512.sh [test filter ...]        needs Debian's bochs bochsbios vgabios bochs-term isolinux
#                                                      syslinux-common genisoimage busybox-static cpio
set -euo pipefail
workspace=$(cd "$(dirname "$0")/../.." && pwd)
here=$workspace/tools/emulation
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
limit=${EMULATION_LIMIT:-1500} # seconds

for need in bochs genisoimage busybox cpio script; do
  command -v "$need" >/dev/null || {
    echo "$need was not found: apt-get install bochs bochsbios vgabios bochs-term isolinux syslinux-common genisoimage busybox-static cpio" >&2
    exit 1
  }
done

echo "Building the tests"
mkdir -p "$work/root/bin" "$work/root/proc" "$work/root/sys" "$work/root/tests" "$work/iso/isolinux"
cargo test --profile quick --no-run -p macrograd-simd -p macrograd-lstm --test activations --test kernel --test closed_form \
  --manifest-path "$workspace/native/Cargo.toml" --message-format=json |
  python3 -c '
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message.get("executable") and message["profile"]["test"]:
        print(message["executable"])' | while read -r executable; do cp "$executable" "$work/root/tests/"; done
# The C library and its loader, where the binaries look for them.
ldd "$work"/root/tests/* | grep -o '/[^ :]*\.so[^ ]*' | sort -u | while read -r library; do cp -L --parents "$library" "$work/root"; done
cp "$(command -v busybox)" "$work/root/bin/"

# The kernel comes from Debian's package, unpacked and not installed.
(cd "$work" && apt-get download "$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends:/ {print $2}')" >/dev/null 2>&1 &&
  dpkg -x linux-image*.deb kernel && cp kernel/boot/vmlinuz* iso/vmlinuz)
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$work/iso/isolinux/"

cat >"$work/root/init" <<INIT
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
export MACROGRAD_ISA=${MACROGRAD_ISA:-} RUST_TEST_THREADS=1 ${MACROGRAD_TEST_PRODUCTS:+MACROGRAD_TEST_PRODUCTS=$MACROGRAD_TEST_PRODUCTS}
/bin/busybox grep -o -m 1 avx512f /proc/cpuinfo
for test in /tests/*; do
  echo "GUEST: \$test"
  \$test --color never $* && echo "GUEST: passed" || echo "GUEST: FAILED"
done
echo "GUEST: end"
/bin/busybox sleep 2
/bin/busybox poweroff -f
INIT
chmod +x "$work/root/init"

# 321, 323: XSAVEC and XSAVES. The emulator reports the compacted state's size wrongly, and Linux would switch AVX off.
cat >"$work/iso/isolinux/isolinux.cfg" <<'BOOT'
DEFAULT linux
PROMPT 0
LABEL linux
 KERNEL /vmlinuz
 APPEND initrd=/initrd.gz console=ttyS0 nokaslr mitigations=off tsc=reliable lpj=1000000 noapic nolapic quiet nopku clearcpuid=321,323
BOOT
(cd "$work/root" && find . | cpio -o -H newc 2>/dev/null | gzip -1 >"$work/iso/initrd.gz")
genisoimage -quiet -o "$work/boot.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 \
  -boot-info-table "$work/iso"
sed "s#WORK#$work#" "$here/bochsrc" >"$work/bochsrc"
echo continue >"$work/commands"

echo "Booting (console below)"
touch "$work/serial"
script -qc "bochs -q -f $work/bochsrc -rc $work/commands" /dev/null </dev/null >"$work/screen" 2>&1 &
# The emulator draws on a terminal of its own and would wait for ever once nobody's buffer takes more.
(until terminal=$(grep -o '/dev/pts/[0-9]*' "$work/screen"); do sleep 1; done && exec cat "$terminal" >/dev/null) &
tail -f "$work/serial" &
for ((second = 0; second < limit; second++)); do
  sleep 1
  grep -q "GUEST: end" "$work/serial" && break
done
grep -q "^avx512f" "$work/serial" || { echo "the guest has no AVX-512" >&2; exit 1; }
grep -q "GUEST: end" "$work/serial" || { echo "not finished within $limit s" >&2; exit 1; }
! grep -q "GUEST: FAILED" "$work/serial"
