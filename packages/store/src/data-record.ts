/** A number, or null where there is none. */
type Maybe = number | null;

/** What one series of a panel is like. */
export interface SeriesRecord {
  readonly name: string;
  readonly role: 'factor' | 'state' | 'control';
  readonly unit: string;
  readonly transform: string;
  readonly release_lag: number;
  /** First and last observed date of the panel, ISO; null for none. */
  readonly first: string | null;
  readonly last: string | null;
  /** Rows observed, and rows missing between the first and the last of them. */
  readonly observed: number;
  readonly gaps: number;
  /** What becomes of rows without a value. */
  readonly gap_policy: string;
  /** p-value of the Dickey-Fuller test: large = may have a unit root. */
  readonly unit_root_p: Maybe;
  /** p-value of the KPSS test, .01 to .10: small = not stationary. */
  readonly stationary_p: Maybe;
  /** First date after the likeliest break, where it is significant at 5 %. */
  readonly break_at: string | null;
  /** Variance inflation among the factors; null for states, controls and where others give the factor exactly. */
  readonly variance_inflation: Maybe;
}

/** Assets observed over the same dates. */
export interface AssetCoverageRecord {
  readonly first: string | null;
  readonly last: string | null;
  readonly gaps: number;
  readonly assets: number;
  /** The first few by name. */
  readonly examples: readonly string[];
}

/** What the data of a run are like, and what to do about it. */
export interface DataSheetRecord {
  readonly series: readonly SeriesRecord[];
  /** Largest over smallest singular value of the standardised factors; null with too few complete rows or an exact relation. */
  readonly condition_number: Maybe;
  readonly advice: readonly string[];
  /** The most frequent coverages, most assets first. */
  readonly assets: readonly AssetCoverageRecord[];
}

/** Pooled out-of-sample R2 of one method on data that know less and less. */
export interface BillLineRecord {
  readonly method: string;
  /** Today's figures, dated by the period that they describe. */
  readonly revised: Maybe;
  /** Today's figures at the dates on which their first versions were known. */
  readonly lagged: Maybe;
  /** What was known. */
  readonly real_time: Maybe;
  /** revised - lagged, lagged - real_time, and revised - real_time. */
  readonly by_dates: Maybe;
  readonly by_revisions: Maybe;
  readonly total: Maybe;
}

/** How far today's figures of a factor lie from those known at the time, both as the methods see them. */
export interface RevisionRecord {
  readonly factor: string;
  readonly rows: number;
  readonly correlation: Maybe;
  /** Root mean square difference over the standard deviation of today's figures. */
  readonly relative: Maybe;
}

/** What looking ahead would have earned. */
export interface BillRecord {
  /** Periods ahead that the returns lie. */
  readonly horizon: number;
  readonly methods: readonly BillLineRecord[];
  readonly revisions: readonly RevisionRecord[];
}
