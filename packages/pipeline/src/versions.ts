import { createRequire } from 'node:module';
import { nativeVersion } from '@macrograd/kernel';

const { version } = createRequire(import.meta.url)('../package.json') as { readonly version: string };

/** Version of macrograd, which all its packages share. */
export const macrogradVersion = version;

/** Versions that a result depends on. */
export function versions(): Record<string, string> {
  return { macrograd: version, native: nativeVersion(), node: process.versions.node };
}
