import type { Frequency } from './calendar.js';
import type { FactorMeta } from './panel.js';

/** What a model was fitted on: all that a reader or an exporter needs besides its parameters. */
export interface ModelInfo {
  /** Asset names, in the order of the parameters' asset dimension. */
  readonly assets: readonly string[];
  /** Every series of the panel, in the order that `columns` of the parameters counts in. */
  readonly factors: readonly FactorMeta[];
  readonly frequency: Frequency;
  readonly horizon: number;
  /** First and last training date, ISO. */
  readonly trainingSpan: { readonly start: string; readonly end: string };
  /** Version of macrograd that fitted it. */
  readonly version: string;
  /** SHA-256 of the job's configuration. */
  readonly configHash: string;
}
