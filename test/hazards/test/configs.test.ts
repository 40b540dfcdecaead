import { InputError } from '@macrograd/core';
import { parseConfig } from '@macrograd/pipeline';
import { expect, test } from 'vitest';
import { configHazards } from '../cases/configs.js';

test.each(configHazards)('config: $name', async ({ text, refuses }) => {
  const result = await parseConfig(text, 'FILE').catch((error: unknown) => error);
  if (refuses === undefined) {
    expect(result).toMatchObject({ raw: { factors: [{ file: 'm.csv' }] } });
  } else {
    if (!(result instanceof InputError)) throw new Error(`not refused with an InputError: ${String(result)}`);
    expect(result.message.slice(0, refuses.length)).toBe(refuses);
  }
  expect(({} as Record<string, unknown>).seed).toBeUndefined();
});
