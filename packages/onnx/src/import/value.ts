import type { AttributeProto, NodeProto } from '../proto.js';
import type { Constant } from './constants.js';

/** What an axis of a value runs over; `last` is a time axis of one step, the last one. */
export type Axis = 'batch' | 'time' | 'last' | 'direction' | 'feature';

/** A value of the graph: how far the network is computed and what its axes are. */
export interface Flow {
  readonly kind: 'input' | 'hidden' | 'output';
  readonly axes: readonly Axis[];
}

/** Numbers made of shapes alone: the axes whose sizes they are, or constants, as far as they are known. */
export interface Sizes {
  readonly kind: 'sizes';
  readonly sizes?: readonly (Axis | number)[];
}

/** A value on the way from input to output, zeros (an initial state), something of shapes alone, or a constant. */
export type Value =
  | Flow
  | Sizes
  | { readonly kind: 'zeros' }
  | { readonly kind: 'constant'; readonly constant: Constant };

export function isFlow(value: Value): value is Flow {
  return 'axes' in value;
}

export function attribute(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute.find((own) => own.name === name);
}
