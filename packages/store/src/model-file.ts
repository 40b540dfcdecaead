import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FittedParameters, InputError, type ModelInfo } from '@macrograd/core';
import { camelCase, renameKeys, snakeCase } from './case.js';
import { checkTensors, joinParameters, splitParameters } from './parameter-tensors.js';
import { decodeSafetensors, encodeSafetensors, type Tensor } from './safetensors.js';

/** A model as stored. */
export interface StoredModel {
  readonly info: ModelInfo;
  readonly parameters: FittedParameters;
}

/** Version of the layout of `model.json` and the tensor names. */
export const modelSchemaVersion = 1;

const MODEL_FILE = 'model.json';
const TENSOR_FILE = 'model.safetensors';

interface ModelDocument {
  readonly schema_version: number;
  readonly method: string;
  /** {@link ModelInfo}, keys in snake_case. */
  readonly info: unknown;
  /** Everything of the parameters that is not an array of numbers, keys in snake_case. */
  readonly parameters: unknown;
  readonly tensors: { readonly file: string; readonly sha256: string };
}

/**
 * Writes a model as `<dir>/model.json` and `<dir>/model.safetensors`; arrays are read back bit for bit. Throws
 * {@link InputError} when the parameters are not finite or contradict each other.
 *
 * @example
 * writeModel('out/models/lstm', { info, parameters: fitted.parameters() });
 */
export function writeModel(dir: string, model: StoredModel): void {
  const { json, tensors } = splitParameters(model.parameters);
  checkTensors(model.parameters, tensors, { file: join(dir, TENSOR_FILE) });
  const bytes = encodeSafetensors(tensors);
  const document: ModelDocument = {
    schema_version: modelSchemaVersion,
    method: model.parameters.method,
    info: renameKeys(model.info, snakeCase),
    parameters: renameKeys(json, snakeCase),
    tensors: { file: TENSOR_FILE, sha256: sha256(bytes) },
  };
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, TENSOR_FILE), bytes);
  writeFileSync(
    join(dir, MODEL_FILE),
    `${JSON.stringify({ ...document, sha256: documentHash(document) }, undefined, 2)}\n`,
  );
}

/**
 * Reads a model that {@link writeModel} wrote. Throws {@link InputError}, in words, when a file is absent, truncated,
 * changed in any bit, of a later schema version, or holds wrong shapes or numbers that are not finite.
 */
export function readModel(dir: string): StoredModel {
  const file = join(dir, MODEL_FILE);
  const document = readDocument(file);
  const tensorFile = join(dir, TENSOR_FILE);
  const bytes = readBytes(tensorFile);
  const tensors = decodeSafetensors(bytes, tensorFile);
  if (sha256(bytes) !== document.tensors.sha256) refuse(tensorFile, 'its SHA-256 differs from the one in model.json');
  const parameters = checkedParameters(renameKeys(document.parameters, camelCase), tensors, tensorFile);
  const info = renameKeys(document.info, camelCase) as ModelInfo;
  const own = 'condition' in parameters ? parameters.conditioned : parameters;
  const assets = 'returnMean' in own ? own.returnMean.length : own.intercept.length;
  if (assets !== info.assets.length || parameters.scaler.mean.length !== info.factors.length) {
    refuse(file, 'the names do not match the parameters in number');
  }
  return { info, parameters };
}

// Both files are whole here, but a program other than this one may have written them.
function checkedParameters(json: unknown, tensors: ReadonlyMap<string, Tensor>, file: string): FittedParameters {
  try {
    const parameters = joinParameters(json, tensors);
    checkTensors(parameters, tensors, { file });
    return parameters;
  } catch (error) {
    if (error instanceof TypeError) refuse(file, 'its tensors do not fit the parameters in model.json');
    throw error;
  }
}

function readDocument(file: string): ModelDocument {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readBytes(file).toString('utf8'));
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    refuse(file, 'not valid JSON');
  }
  const { sha256: hash, ...document } = (parsed ?? {}) as ModelDocument & { readonly sha256?: string };
  const version = document.schema_version;
  if (typeof version === 'number' && version > modelSchemaVersion) {
    throw new InputError(`schema version ${version}, this version of macrograd reads up to ${modelSchemaVersion}`, {
      place: { file },
      remedy: 'update macrograd',
    });
  }
  if (version !== modelSchemaVersion) refuse(file, 'has no schema version: not a macrograd model');
  if (hash !== documentHash(document)) refuse(file, 'was changed after it was written (its SHA-256 differs)');
  return document;
}

function readBytes(file: string): Buffer {
  if (!existsSync(file)) {
    throw new InputError('no such file', { place: { file }, remedy: 'give a directory with model.json' });
  }
  return readFileSync(file);
}

function refuse(file: string, problem: string): never {
  throw new InputError(problem, { place: { file }, remedy: 'export the model again' });
}

// JSON keeps the order of keys and the shortest digits of numbers, so a document that was read gives the same text.
function documentHash(document: ModelDocument): string {
  return sha256(JSON.stringify(document));
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
