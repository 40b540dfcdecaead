import { METHOD_IDS } from '@macrograd/core';
import type { z as Zod } from 'zod';
import { methodSections } from './method-options.js';

type ZodModule = typeof Zod;

/** Methods of a config that names none; the others join by name. */
export const defaultMethods = ['zero', 'ols', 'rolling_ols', 'ewm_ols', 'lstm'] as const;

const transforms = ['none', 'diff', 'diff2', 'pct', 'pct_diff', 'yoy', 'yoy_diff', 'log', 'dlog', 'dlog2'] as const;
const outlierRules = ['iqr', 'iqr_full'] as const;
const roles = ['factor', 'state', 'control'] as const;
const layouts = ['auto', 'wide', 'long', 'fredmd', 'fredqd', 'french', 'goyal_welch'] as const;

/**
 * The config's zod schema: exactly the keys that exist, so that a mistyped one is refused and never ignored.
 * zod comes in as an argument, because it is loaded only where a config is read.
 */
export function configSchema(z: ZodModule) {
  const count = (least: number) => z.int().min(least);
  const period = z.union([z.string().regex(/^\d{4}(-\d{2}(-\d{2})?)?$/), z.int().min(1000).max(9999)], {
    error: 'expected a date as YYYY, YYYY-MM or YYYY-MM-DD',
  });

  const fill = z.strictObject({
    method: z.enum(['last', 'chow_lin', 'kalman']),
    indicator: z.string().min(1).optional(),
    value: z.enum(['mean', 'sum', 'last']).default('mean'),
    reading: z.enum(['filter', 'smoother']).default('filter'),
    log: z.boolean().default(false),
  });

  const part = { table: z.string().min(1).optional(), sql: z.string().min(1).optional() };

  const series = z.strictObject({
    column: z.string().min(1).optional(),
    expr: z.string().min(1).optional(),
    transform: z.enum(transforms).optional(),
    fill: fill.optional(),
    filter: z.enum(['hp', 'baxter_king']).optional(),
    outliers: z.enum(outlierRules).optional(),
    winsorise: z.number().gt(0).lt(0.5).optional(),
    gaps: z.enum(['missing', 'carry']).optional(),
    surprise: z
      .union(
        [
          count(1).max(60),
          z.strictObject({ consensus: z.string().min(1), file: z.string().min(1).optional(), ...part }),
        ],
        {
          error: 'expected the order of an autoregression, or { consensus: COLUMN }',
        },
      )
      .optional(),
    role: z.enum(roles).default('factor'),
    release_lag: count(0).default(0),
    unit: z.string().optional(),
  });

  // How a file is to be read, where looking at it does not tell; absent keys leave the hash of a config as it was.
  const reading = {
    file: z.string().min(1),
    format: z.enum(layouts).default('auto'),
    encoding: z.enum(['auto', 'utf-8', 'utf-16le', 'utf-16be', 'latin1']).optional(),
    delimiter: z.string().length(1).optional(),
    decimal: z.enum(['.', ',']).optional(),
    date_order: z.enum(['mdy', 'dmy']).optional(),
    missing: z.array(z.number()).optional(),
    member: z.string().min(1).optional(),
    ...part,
    value: z.string().min(1).optional(),
  };

  const factorSource = z.strictObject({
    ...reading,
    outliers: z.enum(outlierRules).optional(),
    releases: z.string().min(1).optional(),
    series: z.record(z.string(), series).optional(),
    aggregate: z.enum(['last', 'mean', 'sum', 'compounded']).default('last'),
    note: z.string().min(1).optional(),
  });

  const assetSource = z.strictObject({
    ...reading,
    columns: z.array(z.string().min(1)).min(1).optional(),
    values: z.enum(['returns', 'prices']).default('returns'),
    unit: z.enum(['decimal', 'percent']).optional(),
    return: z.enum(['total', 'excess', 'price']).default('total'),
    currency: z.string().min(1).default('USD'),
    risk_free: z
      .strictObject({
        file: z.string().min(1).optional(),
        series: z.string().min(1),
        unit: z.enum(['annual_percent', 'decimal', 'percent']),
        ...part,
      })
      .optional(),
    labels: z.array(z.string().min(1)).default([]),
    note: z.string().min(1).optional(),
  });

  const check = z.strictObject({
    asset: z.string().min(1),
    factor: z.string().min(1),
    method: z.enum(METHOD_IDS).default('ols'),
    expected: z.number(),
    tolerance: z.number().positive(),
    reason: z.string().min(1).optional(),
  });

  // A name alone stays a name, so that the hash of a config without conditions is what it was.
  const method = z
    .preprocess(
      (value) => (typeof value === 'string' ? { method: value } : value),
      z.strictObject({
        method: z.enum(METHOD_IDS),
        condition: z.strictObject({ on: z.string().min(1), at: z.number().optional() }).optional(),
      }),
    )
    .transform(({ method: name, condition }) => (condition ? { method: name, condition } : name));

  return z.strictObject({
    name: z.string().min(1).optional(),
    seed: count(0).default(1),
    factors: z.array(factorSource).min(1),
    assets: z.array(assetSource).min(1),
    currency: z
      .strictObject({
        base: z.string().min(1),
        rates: z
          .record(
            z.string(),
            z.strictObject({
              file: z.string().min(1),
              series: z.string().min(1),
              quote: z.enum(['base_per_unit', 'units_per_base']).default('base_per_unit'),
              ...part,
            }),
          )
          .default({}),
      })
      .optional(),
    calendar: z.strictObject({ holidays: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]) }).optional(),
    timing: z.enum(['reference', 'available']).default('reference'),
    horizon: count(0).optional(),
    frequency: z.enum(['D', 'W', 'M', 'Q', 'A']).optional(),
    span: z.strictObject({ start: period.optional(), end: period.optional() }).prefault({}),
    methods: z
      .array(method)
      .min(1)
      .default([...defaultMethods]),
    lstm: z
      .strictObject({
        mode: z.enum(['pooled', 'per_asset']).default('pooled'),
        hidden_size: count(1).optional(),
        lookback: z
          .union([z.literal('auto'), count(1), z.array(count(1)).min(1)], {
            error: 'expected auto, a number of periods, or a list of them',
          })
          .default('auto'),
        members: count(1).default(5),
        heads: z.enum(['closed_form', 'kalman', 'learned']).default('closed_form'),
        steps: count(1).optional(),
      })
      .prefault({}),
    ...methodSections(z),
    screen: z.strictObject({ also: z.array(z.enum(['double_selection', 'stability', 'knockoff'])).min(1) }).optional(),
    evaluation: z
      .strictObject({
        scheme: z.enum(['walk_forward']).default('walk_forward'),
        initial: count(1).optional(),
        step: count(1).optional(),
        purge: z
          .union([z.literal('auto'), count(0)], { error: 'expected auto or a number of periods' })
          .default('auto'),
        choice: z.enum(['best', 'stack']).optional(),
        hedge: z.enum(['state', 'average']).optional(),
        look_ahead_bill: z.boolean().optional(),
        seeds: count(0).max(20).optional(),
      })
      .prefault({}),
    checks: z.array(check).default([]),
    output: z.preprocess(
      (value) => (typeof value === 'string' ? { dir: value } : value),
      z.strictObject({
        dir: z.string().min(1),
        exposures: z.enum(['auto', 'chosen', 'all']).default('auto'),
      }),
    ),
  });
}

/** A config as written: snake_case keys, defaults filled in. */
export type RawConfig = Zod.infer<ReturnType<typeof configSchema>>;
