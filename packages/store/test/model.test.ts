import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FittedParameters, InputError } from '@macrograd/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors, readModel, type Tensor, writeModel } from '../src/index.js';
import { conditionalLstm, conditioned, features, info, linear, lstm, perAsset } from './parameters.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'macrograd-model-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const file = (name: string) => join(dir, name);

function editJson(edit: (document: Record<string, unknown>) => void): void {
  const document = JSON.parse(readFileSync(file('model.json'), 'utf8'));
  edit(document);
  writeFileSync(file('model.json'), JSON.stringify(document));
}

const sha256 = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex');

/** Changes tensors and seals both files again, as another program that writes the format would. */
function editTensors(edit: (tensors: Map<string, Tensor>) => void): void {
  const tensors = decodeSafetensors(readFileSync(file('model.safetensors')), 'model.safetensors');
  edit(tensors);
  const bytes = encodeSafetensors(tensors);
  writeFileSync(file('model.safetensors'), bytes);
  editJson((document) => {
    (document.tensors as { sha256: string }).sha256 = sha256(bytes);
    delete document.sha256;
    document.sha256 = sha256(JSON.stringify(document));
  });
}

function refusal(): string {
  try {
    readModel(dir);
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return (error as InputError).message;
  }
  throw new Error('the model was accepted');
}

describe('a stored model', () => {
  it.each<[string, FittedParameters]>([
    ['LSTM', lstm],
    ['LSTM for every asset', perAsset],
    ['LSTM of conditional betas', conditionalLstm],
    ['linear', linear],
    ['feature', features],
    ['conditioned', conditioned],
  ])('gives back every bit of the %s parameters', (_, parameters) => {
    writeModel(dir, { info, parameters });
    expect(readModel(dir)).toStrictEqual({ info, parameters });
  });

  it('has the same bytes when written twice', () => {
    writeModel(dir, { info, parameters: lstm });
    const first = ['model.json', 'model.safetensors'].map((name) => readFileSync(file(name)));
    writeModel(dir, readModel(dir));
    expect(['model.json', 'model.safetensors'].map((name) => readFileSync(file(name)))).toEqual(first);
  });

  it('keeps negative zero, subnormal and extreme numbers', () => {
    const heads = lstm.members[0].heads.slice();
    heads.set([-0, 5e-324, 1.7976931348623157e308]);
    const parameters = { ...lstm, members: [{ ...lstm.members[0], heads }, lstm.members[1]] };
    writeModel(dir, { info, parameters });
    expect((readModel(dir).parameters as typeof lstm).members[0].heads).toEqual(heads);
  });
});

describe('an asset that could not be estimated', () => {
  const withNaN = (values: Float64Array, ...places: number[]) => {
    const copy = values.slice();
    for (const place of places) copy[place] = Number.NaN;
    return copy;
  };

  it('is stored as rows of NaN', () => {
    const intercept = withNaN(linear.intercept, 2);
    const coefficients = withNaN(linear.coefficients, 6, 7, 8);
    writeModel(dir, { info, parameters: { ...linear, intercept, coefficients } });
    expect(readModel(dir).parameters).toStrictEqual({ ...linear, intercept, coefficients });
  });

  it('has single coefficients left out: they have no variance', () => {
    const variances = withNaN(
      linear.coefficients.map((b) => b * b),
      4,
    );
    writeModel(dir, { info, parameters: { ...linear, variances } });
    expect(readModel(dir).parameters).toStrictEqual({ ...linear, variances });
    for (const wrong of [-1, Number.POSITIVE_INFINITY]) {
      variances[7] = wrong;
      expect(() => writeModel(dir, { info, parameters: { ...linear, variances } })).toThrow(
        new RegExp(`"variances" holds ${wrong} at index 7`),
      );
    }
  });

  it('is no excuse for NaN elsewhere', () => {
    const intercept = withNaN(linear.intercept, 2);
    const coefficients = withNaN(linear.coefficients, 9);
    expect(() => writeModel(dir, { info, parameters: { ...linear, intercept, coefficients } })).toThrow(
      /"coefficients" holds NaN at index 9/,
    );
    const scaler = { ...linear.scaler, mean: withNaN(linear.scaler.mean, 2) };
    expect(() => writeModel(dir, { info, parameters: { ...linear, intercept, scaler } })).toThrow(/"scaler.mean"/);
  });
});

describe('a damaged model is refused in words', () => {
  beforeEach(() => writeModel(dir, { info, parameters: lstm }));

  it('absent file', () => {
    rmSync(file('model.safetensors'));
    expect(refusal()).toMatch(/model\.safetensors: no such file/);
  });

  it('truncated at every tenth of its length', () => {
    const whole = readFileSync(file('model.safetensors'));
    for (let tenth = 0; tenth < 10; tenth++) {
      writeFileSync(file('model.safetensors'), whole.subarray(0, Math.floor((whole.length * tenth) / 10)));
      expect(refusal()).toMatch(/truncated|too short/);
    }
  });

  it('any flipped bit of a sample of bytes', () => {
    for (const name of ['model.json', 'model.safetensors']) {
      const whole = readFileSync(file(name));
      for (let position = 0; position < whole.length; position += 97) {
        const flipped = Buffer.from(whole);
        flipped[position] ^= 1 << (position % 8);
        // White space between JSON tokens carries nothing; only a change of content must be seen.
        if (name === 'model.json' && /\s/.test(String.fromCharCode(whole[position]))) continue;
        writeFileSync(file(name), flipped);
        refusal();
      }
      writeFileSync(file(name), whole);
    }
  });

  it('bytes left over', () => {
    writeFileSync(file('model.safetensors'), Buffer.concat([readFileSync(file('model.safetensors')), Buffer.alloc(8)]));
    expect(refusal()).toMatch(/8 bytes left over/);
  });

  it('later schema version', () => {
    editJson((document) => {
      document.schema_version = 99;
    });
    expect(refusal()).toMatch(/schema version 99.*update macrograd/);
  });

  it('wrong shape', () => {
    editTensors((tensors) => {
      const { data } = tensors.get('members.1.heads')!;
      tensors.set('members.1.heads', { shape: [data.length / 5, 5], data });
    });
    expect(refusal()).toMatch(/"members\.1\.heads" has shape \[12, 5\], expected \[5, 12\]/);
  });

  it('a covariance of another number of features, and one that is infinite', () => {
    const { headCovariance, ...rest } = features;
    const covariance = headCovariance!.slice();
    writeModel(dir, { info, parameters: features });
    editTensors((tensors) => tensors.set('head_covariance', { shape: [4, 98], data: covariance }));
    expect(refusal()).toMatch(/"head_covariance" has shape \[4, 98\], expected \[2, 14, 14\]/);
    covariance[7] = Number.POSITIVE_INFINITY;
    expect(() => writeModel(dir, { info, parameters: { ...rest, headCovariance: covariance } })).toThrow(
      /"head_covariance" holds Infinity at index 7/,
    );
  });

  it('a tensor that is missing', () => {
    editTensors((tensors) => tensors.delete('scaler.mean'));
    expect(refusal()).toMatch(/"scaler\.mean" is missing/);
  });

  it('a tensor of a member that is not there', () => {
    editTensors((tensors) => tensors.set('members.5.bias', tensors.get('members.1.bias')!));
    expect(refusal()).toMatch(/do not fit the parameters/);
  });

  it('a number that is not finite, before it is written too', () => {
    editTensors((tensors) => {
      tensors.get('members.0.weight_hh')!.data[4] = Number.NaN;
    });
    expect(refusal()).toMatch(/"members\.0\.weight_hh" holds NaN at index 4/);
    const intercept = linear.intercept.slice().fill(Number.POSITIVE_INFINITY);
    expect(() => writeModel(dir, { info, parameters: { ...linear, intercept } })).toThrow(/"intercept" holds Infinity/);
  });
});
