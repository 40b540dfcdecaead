import { ArgumentError } from '@macrograd/core';
import type { InferenceSession } from 'onnxruntime-node';
import { decodeModel } from './proto.js';

/** Runs `use` with a session of the file in ONNX Runtime, and frees it. */
export async function withSession<T>(
  bytes: Uint8Array,
  use: (session: InferenceSession, lookback: number) => Promise<T>,
): Promise<T> {
  // Loaded here alone, so that making a file needs no native runtime.
  const { InferenceSession } = await import('onnxruntime-node');
  const session = await InferenceSession.create(bytes, { executionProviders: ['cpu'], logSeverityLevel: 3 });
  try {
    return await use(session, lookbackOf(bytes));
  } finally {
    await session.release();
  }
}

function lookbackOf(bytes: Uint8Array): number {
  const lookback = decodeModel(bytes).metadataProps.find(({ key }) => key === 'lookback');
  if (lookback === undefined) throw new ArgumentError('the ONNX file has no "lookback": macrograd did not write it');
  return Number(lookback.value);
}
