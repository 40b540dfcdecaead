import { type FactorPanel, InputError, type MethodId } from '@macrograd/core';
import { type ConditionedEstimatorOptions, canBeConditioned } from '@macrograd/linear';
import type { RunConfig } from './config.js';
import type { ConfigDocument } from './document.js';
import type { RawConfig } from './schema.js';

/** What conditions the methods of a config, by method; methods without an entry stand as they are. */
export type Conditions = ReadonlyMap<MethodId, ConditionedEstimatorOptions>;

/** Name of a method as the list of a config has it. */
export function methodOf(entry: RawConfig['methods'][number]): MethodId {
  return typeof entry === 'string' ? entry : entry.method;
}

export function conditionsOf({ methods }: RawConfig): Conditions {
  return new Map(
    methods.flatMap((entry) => {
      if (typeof entry === 'string') return [];
      const { on, at } = entry.condition;
      return [[entry.method, { state: on, ...(at !== undefined && { level: at }) }] as const];
    }),
  );
}

/** A method is conditioned once at most, and only where states do not enter it anyway. */
export function checkConditions(document: ConfigDocument, { methods }: RawConfig): void {
  methods.forEach((entry, i) => {
    if (typeof entry === 'string') return;
    const refuse = (problem: string, remedy: string) => {
      throw new InputError(problem, { place: document.placeOf(['methods', i, 'method']), remedy, code: 'bad_config' });
    };
    const { method } = entry;
    if (!canBeConditioned(method)) {
      refuse(
        `no state conditions ${method} from outside`,
        method === 'zero'
          ? 'leave `condition` out: it has no exposures'
          : 'leave `condition` out and give the series the role `state`: the method takes states by itself',
      );
    }
    if (methods.filter((other) => methodOf(other) === method).length > 1) {
      refuse(
        `${method} stands in the list more than once, with a condition and without`,
        'keep one of them; a result has one column of each name, so that the other needs a config of its own',
      );
    }
  });
}

/** Refuses conditions on a series that the panel does not have, and levels that it never crosses. */
export function refuseUnknownConditions({ document, raw }: RunConfig, inputs: FactorPanel): void {
  raw.methods.forEach((entry, i) => {
    if (typeof entry === 'string') return;
    const { on, at } = entry.condition;
    const refuse = (key: 'on' | 'at', problem: string, remedy: string) => {
      const place = document.placeOf(['methods', i, 'condition', key]);
      throw new InputError(problem, { place, remedy, code: 'bad_config' });
    };
    const column = inputs.factors.findIndex(({ name }) => name === on);
    if (column < 0) {
      const names = inputs.factors.map(({ name }) => name).join(', ');
      refuse(
        'on',
        `${entry.method} is conditioned by "${on}", which is no series of the config`,
        `take one of ${names}`,
      );
    }
    const values = inputs.values.filter((_, place) => place % inputs.factors.length === column).sort();
    const seen = values.filter((value) => !Number.isNaN(value));
    const [low, high] = [seen[0], seen[seen.length - 1]];
    if (at !== undefined && !(low <= at && at < high)) {
      const range = `${low.toPrecision(4)} to ${high.toPrecision(4)} ${inputs.factors[column].unit}`;
      refuse('at', `${on} never crosses ${at}`, `give a level inside its range, ${range}`);
    }
  });
}
