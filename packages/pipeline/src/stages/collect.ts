import type { FitStatus, Fitted, MethodId, Panel, Span } from '@macrograd/core';
import {
  type Fold,
  type FoldForecast,
  forecastFold,
  generalisedMoves,
  type HedgeOptions,
  TRIAL,
  type WalkForward,
} from '@macrograd/evaluation';
import {
  BARELY_SEEN_SHARE,
  BARELY_SEEN_SIDE,
  exposureCube,
  lagProfile,
  regimeShares,
  type Screen,
  sideShares,
  summarise,
  totalExposures,
  unitDivisors,
} from '@macrograd/exposure';
import { INTERVAL_COVERAGE, SCREENING_LEVEL } from '../levels.js';
import type { FitDiagnostics } from '../tables/diagnostics.js';
import { formsOf, hasLags } from '../tables/exposure-layout.js';
import type { ExposureSource, ExposureTable } from '../tables/exposures.js';
import type { FitProfile } from '../tables/results.js';
import { DriftReader } from './drift.js';
import type { FitTask } from './fit.js';
import { dependsOnState, stateEffects, ThresholdReader } from './state-effects.js';
import type { MethodSummary } from './summary.js';

/**
 * Takes from every fit what the result needs - forecasts, exposures, lag profiles, summaries - so that the fit itself
 * can go; only the fits on the whole span are kept.
 */
export class Collector {
  private readonly finalsByMethod = new Map<MethodId, Fitted>();
  private readonly forecastsByTask = new Map<string, FoldForecast>();
  private readonly profilesByTask = new Map<string, FitProfile>();
  private readonly diagnosticsByTask = new Map<string, FitDiagnostics>();
  private readonly summariesByMethod = new Map<MethodId, MethodSummary>();
  private readonly shares = new Map<number | 'final', Float64Array>();
  private readonly moves = new Map<number | 'final', Float64Array>();
  readonly drift: DriftReader;
  private readonly folds: readonly Fold[];
  private readonly trial: Fold | undefined;

  constructor(
    private readonly panel: Panel,
    { folds, trial }: Pick<WalkForward, 'folds' | 'trial'>,
    private readonly methods: readonly MethodId[],
    private readonly exposures: ExposureTable,
    readonly screen: Screen,
    private readonly signal: AbortSignal | undefined,
    furtherSeeds: readonly number[] = [],
    private readonly hedge: Pick<HedgeOptions, 'readAt' | 'seed'> = {},
  ) {
    this.folds = folds;
    this.trial = trial;
    this.drift = new DriftReader(panel, folds, furtherSeeds, signal);
  }

  /** Works off one fit. */
  readonly use = async (task: FitTask, fitted: Fitted): Promise<void> => {
    const { fit } = task;
    if (fit === TRIAL) return this.forecast(fitted, this.trial!);
    await this.drift.add(task, fitted);
    // A fit with another seed is there to be held against the run's own.
    if (task.seed !== undefined) return;
    const { method, diagnostics } = fitted;
    this.diagnosticsByTask.set(keyOf(method, fit), { method, fit, diagnostics });
    const status = diagnostics.status.map((note) => note.status);
    const dates = this.datesOf(fit);
    const thresholds =
      fit === 'final' && dependsOnState(fitted.method)
        ? new ThresholdReader(this.screen, this.panel.inputs)
        : undefined;
    const source = this.source(fit, fitted, status);
    const sd = unitDivisors(fitted, this.panel.inputs);
    for (const form of formsOf(fitted.method)) {
      const options = { form, level: INTERVAL_COVERAGE, ...this.stop };
      for await (const cube of exposureCube(fitted, this.panel.inputs, dates, options)) {
        this.exposures.add(cube, source);
        if (form !== 'contemporaneous') continue;
        this.exposures.add(totalExposures(cube, this.movesOf(fit), sd), source);
        thresholds?.add(cube);
      }
    }
    if (thresholds) this.markSides(fitted.method, thresholds);
    const seen = fit === 'final' ? this.unseen : this.folds[fit].test;
    const profile = await lagProfile(fitted, this.panel.inputs, seen, {
      level: INTERVAL_COVERAGE,
      intervals: fit === 'final' && hasLags(fitted.method),
      ...this.stop,
    });
    this.profilesByTask.set(keyOf(fitted.method, fit), { fit, profile, status });
    if (fit === 'final') {
      this.finalsByMethod.set(fitted.method, fitted);
      const summary = await summarise(fitted, this.panel.inputs, dates, {
        train: dates,
        profile,
        level: INTERVAL_COVERAGE,
        q: SCREENING_LEVEL,
        ...pValuesFor(fitted.method, this.screen),
        ...this.stop,
      });
      const { inputs } = this.panel;
      const states = stateEffects(summary, this.screen, inputs, thresholds?.found ?? new Map());
      this.summariesByMethod.set(fitted.method, { ...summary, states });
    } else {
      await this.forecast(fitted, this.folds[fit]);
    }
  };

  private async forecast(fitted: Fitted, fold: Fold): Promise<void> {
    const forecast = await forecastFold(fitted, this.panel, fold, { ...this.hedge, ...this.stop });
    this.forecastsByTask.set(keyOf(fitted.method, fold.index), forecast);
  }

  /** Fits on the whole span, in the order of the methods, whichever ended first. */
  get finals(): ReadonlyMap<MethodId, Fitted> {
    return new Map(this.methods.map((method) => [method, this.finalsByMethod.get(method)!]));
  }

  /** Forecasts by method, then fold. */
  get forecasts(): FoldForecast[] {
    return this.forecastsOf(this.folds);
  }

  /** Forecasts of the trial by method: what the choice knows before the first fold. */
  get trials(): FoldForecast[] {
    return this.trial ? this.forecastsOf([this.trial]) : [];
  }

  private forecastsOf(folds: readonly Fold[]): FoldForecast[] {
    return this.methods.flatMap((method) =>
      folds.flatMap(({ index }) => this.forecastsByTask.get(keyOf(method, index)) ?? []),
    );
  }

  /** Lag profiles by method, then fold, then the whole span. */
  get profiles(): FitProfile[] {
    return this.inOrder(this.profilesByTask);
  }

  /** What every fit says about itself, by method, then fold, then the whole span. */
  get diagnostics(): FitDiagnostics[] {
    return this.inOrder(this.diagnosticsByTask);
  }

  private inOrder<T>(byTask: ReadonlyMap<string, T>): T[] {
    const fits = [...this.folds.map(({ index }) => index), 'final' as const];
    return this.methods.flatMap((method) => fits.flatMap((fit) => byTask.get(keyOf(method, fit)) ?? []));
  }

  /** Summaries of the fits on the whole span, by method. */
  get summaries(): MethodSummary[] {
    return this.methods.flatMap((method) => this.summariesByMethod.get(method) ?? []);
  }

  /** Where an exposure changes its sign, familiar is the side of the threshold, not the state as a whole. */
  private markSides(method: MethodId, { found }: ThresholdReader): void {
    const factors = this.screen.factors.length;
    for (const [cell, { level }] of found) {
      const place = { method, asset: Math.floor(cell / factors), factor: cell % factors };
      const shares = sideShares(this.panel.inputs, this.trainOf('final'), this.screen.thresholdVariable[cell], level);
      this.exposures.putSideShares(place, shares, BARELY_SEEN_SIDE);
    }
  }

  /** Dates at which a fit's exposures are read: its fold's, for the first fit also all before; all for the final one. */
  private datesOf(fit: number | 'final'): Span {
    if (fit === 'final') return { start: 0, end: this.panel.axis.dates.length };
    const { test } = this.folds[fit];
    return fit === 0 ? { start: 0, end: test.end } : test;
  }

  /** All rows that some fold tests on. */
  private get unseen(): Span {
    return { start: this.folds[0].test.start, end: this.folds[this.folds.length - 1].test.end };
  }

  private get stop(): { signal?: AbortSignal } {
    return this.signal ? { signal: this.signal } : {};
  }

  private source(fit: number | 'final', fitted: Fitted, status: readonly FitStatus[]): ExposureSource {
    return {
      fit,
      firstUnseen: fit === 'final' ? this.panel.axis.dates.length : this.folds[fit].test.start,
      status,
      regimeShare: this.regimeShareOf(fit),
      // Exposures of a method without memory of states are the same in every state.
      leastRegimeShare: hasLags(fitted.method) ? BARELY_SEEN_SHARE : 0,
    };
  }

  private trainOf(fit: number | 'final'): Span {
    return fit === 'final' ? { start: 0, end: this.panel.axis.dates.length } : this.folds[fit].train;
  }

  /** How the factors move together, by the fit's training rows. */
  private movesOf(fit: number | 'final'): Float64Array {
    const known = this.moves.get(fit) ?? generalisedMoves(this.panel.inputs, this.trainOf(fit));
    this.moves.set(fit, known);
    return known;
  }

  /** [row]: how familiar the row's state is to the fit's training rows. */
  private regimeShareOf(fit: number | 'final'): Float64Array {
    const known = this.shares.get(fit);
    if (known) return known;
    const rows = this.panel.axis.dates.length;
    const train = this.trainOf(fit);
    const shares = regimeShares(this.panel.inputs, train, { start: 0, end: rows });
    const values = Float64Array.from(shares, ({ share }) => share);
    this.shares.set(fit, values);
    return values;
  }
}

/** p-values of a method's pairs: of any effect where the method can see delayed ones, else of a linear one at once. */
function pValuesFor(method: MethodId, screen: Screen): { pValues?: Float64Array } {
  if (method === 'zero') return {};
  return { pValues: hasLags(method) ? screen.pValue : screen.linearPValue };
}

function keyOf(method: MethodId, fit: number | 'final'): string {
  return `${method}/${fit}`;
}
