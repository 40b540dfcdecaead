/**
 * Builds the kernels as a WebAssembly module into packages/kernel-wasm. Without the target's standard library, which rustup
 * is asked for once, it says so and leaves the module out: nothing but the WebAssembly kernel needs it.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const TARGET = 'wasm32-unknown-unknown';
const workspace = join(import.meta.dirname, '..', '..');
const native = join(workspace, 'native');
const output = join(workspace, 'packages', 'kernel-wasm', 'macrograd.wasm');
const captured = (command, ...args) => spawnSync(command, args, { cwd: native, encoding: 'utf8' }).stdout?.trim() ?? '';
const hasTarget = () => existsSync(captured('rustc', '--print', 'target-libdir', '--target', TARGET));

if (!hasTarget()) spawnSync('rustup', ['target', 'add', TARGET], { cwd: native, stdio: 'inherit', timeout: 120_000 });
if (hasTarget()) {
  const flags = '-C target-feature=+simd128 -C strip=symbols -C debuginfo=0';
  const manifest = join(native, 'Cargo.toml');
  execFileSync(
    'cargo',
    ['build', '--release', '--target', TARGET, '-p', 'macrograd-wasm', '--manifest-path', manifest],
    {
      cwd: native,
      stdio: 'inherit',
      env: { ...process.env, CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS: flags },
    },
  );
  const target = process.env.CARGO_TARGET_DIR ?? join(native, 'target');
  copyFileSync(join(target, TARGET, 'release', 'macrograd_wasm.wasm'), output);
} else {
  rmSync(output, { force: true });
  console.log(
    `WebAssembly kernel left out: no Rust standard library for ${TARGET}; "rustup target add ${TARGET}" gets it`,
  );
}
