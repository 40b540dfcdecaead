/** What the page's script reads: one JSON object embedded in the HTML. Missing numbers are null, never 0. */

/** A number, or null where there is none. */
export type Maybe = number | null;

/** One asset: its name and the caveats that belong beside every number of it. */
export interface PageAsset {
  readonly name: string;
  readonly labels: readonly string[];
}

/** One factor; `sd` is that of the final fit, in `unit`. */
export interface PageFactor {
  readonly name: string;
  readonly unit: string;
  readonly transform: string;
  readonly sd: Maybe;
  readonly releaseLag: number;
  readonly source: string;
}

/** Exposures of one method over the whole span, all arrays [asset][factor] row-major; empty where all would be null. */
export interface PageSummary {
  /** Decimal return per training SD; mean over dates, and the interval of that mean. */
  readonly mean: readonly Maybe[];
  readonly lo: readonly Maybe[];
  readonly hi: readonly Maybe[];
  /** Decimal return per training SD at the last date; empty where it is `mean` everywhere. */
  readonly latest: readonly Maybe[];
  readonly q: readonly Maybe[];
  /** 1 where the exposure passed the screen. */
  readonly selected: readonly (0 | 1)[];
  readonly peakLag: readonly Maybe[];
  readonly halfLife: readonly Maybe[];
  /** Ends of the 90 % intervals of both, in periods. */
  readonly peakLagLo: readonly Maybe[];
  readonly peakLagHi: readonly Maybe[];
  readonly halfLifeLo: readonly Maybe[];
  readonly halfLifeHi: readonly Maybe[];
  /** Index into {@link PageData.statuses}, -1 where there is no row; empty where all are `ok`. */
  readonly status: readonly number[];
}

/** Out-of-sample scores of one method, one entry an asset. */
export interface PageScores {
  readonly r2: readonly Maybe[];
  readonly hedge: readonly Maybe[];
  readonly dmStat: readonly Maybe[];
  readonly dmP: readonly Maybe[];
  readonly cwP: readonly Maybe[];
  /** R2 over all assets together, where the table has it. */
  readonly pooledR2: Maybe;
}

/** Method chosen for an asset; several where forecasts are mixed. */
export interface PageChoice {
  readonly method: string;
  readonly weight: number;
}

/** Level of a series at which an exposure provably changes its sign; an end without a sure sign beyond it is null. */
export interface PageThreshold {
  readonly asset: string;
  readonly factor: string;
  readonly variable: string;
  readonly unit: string;
  readonly level: Maybe;
  readonly lo: Maybe;
  readonly hi: Maybe;
  readonly p: Maybe;
}

/** An exposure that provably depends on another series. */
export interface PageInteraction {
  readonly asset: string;
  readonly factor: string;
  readonly partner: string;
}

/** How exposures depend on the state, by one method. */
export interface PageStates {
  readonly method: string;
  /** Pairs tested. */
  readonly tested: number;
  readonly thresholds: readonly PageThreshold[];
  readonly interactions: readonly PageInteraction[];
}

/** Dates `start` <= index < `end` that are read with one fit. */
export interface PageRegion {
  readonly start: number;
  readonly end: number;
  readonly fit: string;
  readonly inSample: boolean;
}

/** One method and kind whose exposures through time are stored. */
export interface SeriesKey {
  readonly method: string;
  readonly kind: string;
}

/** The whole page. */
export interface PageData {
  readonly assets: readonly PageAsset[];
  readonly factors: readonly PageFactor[];
  /** Every method with results, in the order of the arena, without `chosen`. */
  readonly methods: readonly string[];
  readonly statuses: readonly string[];
  /** Screening level of `selected`. */
  readonly level: number;
  readonly horizon: number;
  /** `month`, `week`, ...: what one lag is. */
  readonly period: string;
  readonly choices: readonly (readonly PageChoice[])[];
  readonly reasons: readonly string[];
  /** By method. */
  readonly summary: Readonly<Record<string, PageSummary>>;
  readonly scores: Readonly<Record<string, PageScores>>;
  /** Absent where no method of the run sees states. */
  readonly states?: PageStates;
  /** ISO dates of the charts through time. */
  readonly dates: readonly string[];
  readonly regions: readonly PageRegion[];
  /** Bands of each asset's blob, in order: every key of `seriesKeys` by factor, then every method of `lagMethods` by factor. */
  readonly seriesKeys: readonly SeriesKey[];
  readonly lagMethods: readonly string[];
  readonly lagCount: number;
  /** One base64 blob an asset (see band-codec); null beyond the page's cap. */
  readonly blobs: readonly (string | null)[];
}

/** A line with its interval; NaN where missing. */
export interface Band {
  readonly value: Float64Array;
  readonly lo: Float64Array;
  readonly hi: Float64Array;
}
