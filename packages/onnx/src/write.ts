import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { ModelInfo } from '@macrograd/core';
import { modelFile } from './export.js';
import { type ExposureExportOptions, exposuresFile } from './exposures.js';
import type { ExportOptions, OnnxParameters } from './file.js';
import { DataLocation, decodeModel, encodeModel, type ModelProto, type TensorProto } from './proto.js';

/** A file of protocol buffers may not reach 2 GB; the rest of the margin is for names and shapes. */
const LARGEST_MODEL = 2 ** 31 - 2 ** 24;
/** Smaller tensors stay in the model, where readers that infer shapes need them. */
const SMALLEST_EXTERNAL = 1024;
/** Offsets are multiples of a page, so that a runtime can map the file. */
const PAGE = 4096;

/** Bytes written at once; the limit of a system call is 2 GB. */
const WRITTEN_BYTES = 2 ** 28;

/** Where large weights go. */
export interface WriteOptions {
  /** Bytes of weights above which they go to `<file>.data` beside the model; default just below 2 GB. */
  readonly externalAbove?: number;
}

/**
 * Writes {@link modelToOnnx}'s file, also where it is larger than one file of protocol buffers can be. Returns the
 * paths written: the model, then `<file>.data` where there is one; both must stay in one folder.
 *
 * @example
 * writeModelOnnx('out/onnx/model.onnx', fitted.parameters(), info);
 */
export function writeModelOnnx(
  file: string,
  parameters: OnnxParameters,
  info: ModelInfo,
  options: ExportOptions & WriteOptions = {},
): string[] {
  return writeFiles(file, modelFile(parameters, info, options), options);
}

/** As {@link writeModelOnnx} for {@link exposuresToOnnx}. */
export function writeExposuresOnnx(
  file: string,
  parameters: OnnxParameters,
  info: ModelInfo,
  options: ExposureExportOptions & WriteOptions = {},
): string[] {
  return writeFiles(file, exposuresFile(parameters, info, options), options);
}

/** Metadata of a file by key: what it was made of and for. */
export function readOnnxMetadata(file: string): Readonly<Record<string, string>> {
  return Object.fromEntries(decodeModel(readFileSync(file)).metadataProps.map(({ key, value }) => [key, value]));
}

function writeFiles(file: string, model: ModelProto, { externalAbove = LARGEST_MODEL }: WriteOptions): string[] {
  mkdirSync(dirname(file), { recursive: true });
  const weights = model.graph.initializer.reduce((sum, tensor) => sum + sizeOf(tensor), 0);
  const data = `${file}.data`;
  if (weights <= externalAbove) {
    writeFileSync(file, encodeModel(model));
    rmSync(data, { force: true });
    return [file];
  }
  const initializer = writeTensors(data, model.graph.initializer);
  writeFileSync(file, encodeModel({ ...model, graph: { ...model.graph, initializer } }));
  return [file, data];
}

/** Writes the large tensors one after the other; returns all of them, the large ones with the place of their values. */
function writeTensors(file: string, tensors: readonly TensorProto[]): TensorProto[] {
  const descriptor = openSync(file, 'w');
  let position = 0;
  try {
    return tensors.map(({ rawData, ...tensor }) => {
      if (rawData === undefined || rawData.length < SMALLEST_EXTERNAL)
        return { ...tensor, ...(rawData && { rawData }) };
      position = Math.ceil(position / PAGE) * PAGE;
      const place = { location: basename(file), offset: String(position), length: String(rawData.length) };
      for (let done = 0; done < rawData.length; ) {
        done += writeSync(descriptor, rawData, done, Math.min(WRITTEN_BYTES, rawData.length - done), position + done);
      }
      position += rawData.length;
      const externalData = Object.entries(place).map(([key, value]) => ({ key, value }));
      return { ...tensor, externalData, dataLocation: DataLocation.external };
    });
  } finally {
    closeSync(descriptor);
  }
}

function sizeOf({ rawData }: TensorProto): number {
  return rawData?.length ?? 0;
}
