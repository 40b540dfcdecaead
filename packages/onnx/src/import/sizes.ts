import type { NodeProto } from '../proto.js';
import { attribute, isFlow, type Sizes, type Value } from './value.js';

type Entries = Sizes['sizes'];

/** Zero states and what is computed of shapes alone: neither changes what the network computes. */
export function fromSizes(
  node: NodeProto,
  inputs: readonly (Value | undefined)[],
): Sizes | { readonly kind: 'zeros' } | undefined {
  if (node.opType === 'Shape') return known(shapeOf(node, inputs[0]));
  if (node.opType === 'ConstantOfShape') {
    const value = attribute(node, 'value')?.t;
    const zero = value === undefined || constantIsZero(value.floatData, value.rawData);
    return zero ? { kind: 'zeros' } : undefined;
  }
  const kinds = inputs.map((value) => value?.kind);
  const [first] = inputs;
  const expandsZero = first?.kind === 'constant' && first.constant.values.every((x) => x === 0);
  if (kinds.includes('zeros') || (node.opType === 'Expand' && expandsZero)) {
    const flows = inputs.some((value) => value !== undefined && isFlow(value));
    return flows ? undefined : { kind: 'zeros' };
  }
  const sizesAlone = kinds.length > 0 && kinds.every((kind) => kind === 'sizes' || kind === 'constant');
  return sizesAlone ? known(computed(node, inputs)) : undefined;
}

function known(sizes: Entries): Sizes {
  return { kind: 'sizes', ...(sizes && { sizes }) };
}

function shapeOf(node: NodeProto, value: Value | undefined): Entries {
  if (value === undefined || !isFlow(value)) return undefined;
  return value.axes.slice(attribute(node, 'start')?.i ?? 0, attribute(node, 'end')?.i);
}

/** Sizes that a node picks, joins or multiplies; undefined where that can't be said. */
function computed(node: NodeProto, inputs: readonly (Value | undefined)[]): Entries {
  const entries = inputs.map(entriesOf);
  const [first, second, third] = entries;
  switch (node.opType) {
    case 'Identity':
    case 'Cast':
    case 'Reshape':
    case 'Squeeze':
    case 'Unsqueeze':
      return first;
    case 'Concat':
      return entries.some((own) => own === undefined) ? undefined : entries.flatMap((own) => own ?? []);
    case 'Slice': {
      const [start, end] = [second?.[0], third?.[0]];
      return typeof start === 'number' && typeof end === 'number' ? first?.slice(start, end) : undefined;
    }
    case 'Mul':
      // There is one direction.
      if (first?.join() === 'direction') return second;
      return second?.join() === 'direction' ? first : undefined;
    default:
      return undefined;
  }
}

function entriesOf(value: Value | undefined): Entries {
  if (value?.kind === 'constant') return value.constant.values;
  return value?.kind === 'sizes' ? value.sizes : undefined;
}

function constantIsZero(floats: readonly number[] | undefined, raw: Uint8Array | undefined): boolean {
  return (floats ?? []).every((x) => x === 0) && (raw ?? new Uint8Array(0)).every((byte) => byte === 0);
}
