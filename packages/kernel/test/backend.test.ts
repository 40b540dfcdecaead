import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { compileBinding, moduleUrl } from '@macrograd/kernel-wasm';
import { describe, expect, it } from 'vitest';
import { loadKernel, lstmForward, lstmTrain } from '../src/index.js';
import { batch, filled, model, outputs, refusal } from './lstmCase.js';

const built = existsSync(moduleUrl);
const folder = join(import.meta.dirname, '..');

/** What a fresh process answers to `activeIsa` under the given environment. */
function isaUnder(env: Readonly<Record<string, string>>): Promise<{ stdout: string; stderr: string }> {
  const program = `import('@macrograd/kernel').then((kernel) => console.log(kernel.activeIsa(), kernel.activeIsa()))`;
  const inherited = { ...process.env, MACROGRAD_KERNEL: '', MACROGRAD_ISA: '', ...env };
  return promisify(execFile)(process.execPath, ['-e', program], { cwd: folder, env: inherited });
}

describe('the choice of the binding', () => {
  it.skipIf(!built)('falls back to WebAssembly where there is no binary, and says so once', async () => {
    const { stdout, stderr } = await isaUnder({ NAPI_RS_NATIVE_LIBRARY_PATH: join(folder, 'absent.node') });
    expect(stdout.trim()).toBe('simd128 simd128');
    expect(stderr.match(/no native kernel for/g)).toHaveLength(1);
  });

  it('does not fall back where MACROGRAD_KERNEL asks for the native one', async () => {
    const call = isaUnder({ NAPI_RS_NATIVE_LIBRARY_PATH: join(folder, 'absent.node'), MACROGRAD_KERNEL: 'native' });
    await expect(call).rejects.toThrow(/no native kernel for .*; unset MACROGRAD_KERNEL/);
  });

  it('refuses a kernel of another name', async () => {
    await expect(isaUnder({ MACROGRAD_KERNEL: 'gpu' })).rejects.toThrow(
      /MACROGRAD_KERNEL is "gpu"; use native or wasm/,
    );
  });

  it('needs no waiting in Node', async () => {
    await expect(loadKernel()).resolves.toBeUndefined();
  });
});

describe('the WebAssembly module', () => {
  it.skipIf(!built)('has every entry of the native binding and no other', () => {
    const declared = readFileSync(join(folder, 'binding', 'index.d.ts'), 'utf8');
    const names = Array.from(declared.matchAll(/^export declare (?:function|class) (\w+)/gm), ([, name]) => name);
    const binding = compileBinding(new Uint8Array(readFileSync(fileURLToPath(moduleUrl))));
    expect(Object.keys(binding).sort()).toEqual(names.sort());
  });
});

describe('a call on either kernel', () => {
  it('stops when its own listener aborts it', async () => {
    const controller = new AbortController();
    const windows = batch(Float32Array, 600);
    const error = await refusal(
      lstmTrain(model(Float32Array), windows, filled(Float32Array, 600 * outputs, 1), {
        seed: 1,
        epochs: 10_000,
        patience: 0,
        signal: controller.signal,
        onProgress: () => controller.abort(),
      }),
    );
    expect(error.code).toBe('cancelled');
  });

  it('has the same bits in one batch and in parts of any size', async () => {
    const [network, all] = [model(Float32Array, 17), batch(Float32Array, 37)];
    const whole = await lstmForward(network, all);
    const width = all.input.length / all.batchSize;
    for (let start = 0; start < all.batchSize; start += 5) {
      const batchSize = Math.min(5, all.batchSize - start);
      const input = all.input.slice(start * width, (start + batchSize) * width);
      const part = await lstmForward(network, { ...all, input, batchSize });
      expect(part).toEqual(whole.slice(start * outputs, (start + batchSize) * outputs));
    }
  });
});
