import { readFileSync } from 'node:fs';
import { ArgumentError } from '@macrograd/core';
import type { InferenceSession } from 'onnxruntime-node';
import { decodeModel } from './proto.js';

/** A `.onnx` file: its bytes, or its path where weights lie in a file beside it. */
export type OnnxSource = Uint8Array | string;

/** Runs `use` with a session of the file in ONNX Runtime, and frees it. */
export async function withSession<T>(
  source: OnnxSource,
  use: (session: InferenceSession, lookback: number) => Promise<T>,
): Promise<T> {
  // Loaded here alone, so that making a file needs no native runtime.
  const { InferenceSession } = await import('onnxruntime-node');
  const options = { executionProviders: ['cpu'], logSeverityLevel: 3 } as const;
  // The two are overloads of their own.
  const session = await (typeof source === 'string'
    ? InferenceSession.create(source, options)
    : InferenceSession.create(source, options));
  try {
    return await use(session, lookbackOf(typeof source === 'string' ? readFileSync(source) : source));
  } finally {
    await session.release();
  }
}

function lookbackOf(bytes: Uint8Array): number {
  const lookback = decodeModel(bytes).metadataProps.find(({ key }) => key === 'lookback');
  if (lookback === undefined) throw new ArgumentError('the ONNX file has no "lookback": macrograd did not write it');
  return Number(lookback.value);
}
