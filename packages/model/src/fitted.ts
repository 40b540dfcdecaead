import {
  ArgumentError,
  type AssetRange,
  CancelledError,
  type Diagnostics,
  type EncoderParameters,
  type FactorPanel,
  type Fitted,
  indexesOfRole,
  type JacobianBlock,
  type JacobianForm,
  type JacobianOptions,
  type LstmParameters,
  type ReturnMatrix,
  type Span,
} from '@macrograd/core';
import {
  type ClosedFormReadout,
  closedFormExposures,
  closedFormFeatures,
  closedFormJacobian,
  closedFormPredictions,
  closedFormWalkExposures,
  type FeatureMap,
  type RunOptions,
} from '@macrograd/kernel';
import { encoderInputs } from './input-rule.js';
import { isOfPath, splitByPath, type WalkPath } from './walk-path.js';

/** Numbers in one block of exposures: bounds memory, whatever the universe (values and variances: 32 MB). */
const BLOCK_VALUES = 2_000_000;

/** The pooled LSTM ensemble as plain parameters that predict and differentiate. */
export class LstmFitted implements Fitted {
  readonly method = 'lstm';
  private readonly assets: number;

  constructor(
    private readonly fittedParameters: LstmParameters,
    readonly diagnostics: Diagnostics,
    private readonly run: Pick<RunOptions, 'threads'>,
    private readonly path?: WalkPath,
    /** Where heads walk: the same encoder with heads that stand still, those of the training rows. */
    readonly standing?: Fitted,
  ) {
    this.assets = fittedParameters.returnMean.length;
  }

  parameters(): LstmParameters {
    return this.fittedParameters;
  }

  /** Where the state of the row before conditions betas: an exposure needs nothing of its own row. */
  get knownAhead(): boolean {
    return this.fittedParameters.members.every(({ conditional }) => conditional);
  }

  /** Lags that exposures reach: the longer of window and lag filters; lag 0 alone where the state conditions betas. */
  get lags(): number {
    const { members } = this.fittedParameters;
    return members.some(({ conditional }) => conditional) ? 1 : this.reach;
  }

  /** Rows up to a date that its features depend on. */
  private get reach(): number {
    const rows = ({ lagCount, lookback, conditional }: EncoderParameters) =>
      Math.max(lagCount, lookback + (conditional ? 1 : 0));
    return Math.max(...this.fittedParameters.members.map(rows));
  }

  async predict(inputs: FactorPanel, span: Span, assets: AssetRange = this.all()): Promise<ReturnMatrix> {
    const { rows, history } = this.inputsOf(inputs, span);
    const features = await this.ofMembers((member) => closedFormFeatures(rows, featureMap(member), history, this.run));
    const values = await closedFormPredictions(this.readout(features, assets), this.run);
    return { span, assets, values };
  }

  async *jacobian(inputs: FactorPanel, span: Span, options: JacobianOptions = {}): AsyncIterable<JacobianBlock> {
    const { form = 'lags', average = false, assets = this.all(), signal } = options;
    const targets = this.targets(inputs);
    const run = { ...this.run, ...(signal && { signal }) };
    const observed = average ? Uint8Array.from(observedAt(inputs, span, targets.columns)) : undefined;
    const request = { form, targets: targets.places };
    const parts = await this.parts(inputs, span, { ...request, observed }, run);
    // With heads that walk: every date's own, of which the mean is taken below.
    const dated = this.path && observed ? await this.parts(inputs, span, { ...request, observed: undefined }, run) : [];
    const shape = {
      span,
      dates: average ? 1 : span.end - span.start,
      lags: form === 'lags' ? this.lags : 1,
      factors: targets.roles.length,
    };
    // A mean over the dates of heads that walk is taken of all of them.
    const read = this.path ? span.end - span.start : shape.dates;
    const perAsset = Math.max(1, read * shape.lags * shape.factors);
    const keep = average ? () => true : missingMask(inputs, form, span, targets.columns);
    const places = sources(shape, targets.roles, keep);
    const step = Math.max(1, Math.floor(BLOCK_VALUES / perAsset));
    for (let start = assets.start; start < assets.end; start += step) {
      if (signal?.aborted) throw new CancelledError('reading exposures');
      const range = { start, end: Math.min(assets.end, start + step) };
      const { values: whole, variance } = joinRows(await Promise.all(parts.map((part) => part(range))), range);
      const each = joinRows(await Promise.all(dated.map((part) => part(range))), range);
      const values =
        observed && dated.length > 0 ? meanOverDates(each.values, observed, span.end - span.start, shape.lags) : whole;
      yield {
        ...shape,
        assets: range,
        values: spread(values, places, range),
        variance: spread(variance, places, range),
      };
    }
  }

  /**
   * Readers of exposures [asset][row][lag][target], one for each run of rows whose heads are read in the same way: as of
   * the row where heads walk and the row is in the training span, else the last heads.
   */
  private async parts(
    inputs: FactorPanel,
    span: Span,
    request: {
      readonly form: JacobianForm;
      readonly targets: readonly number[];
      readonly observed: Uint8Array | undefined;
    },
    run: RunOptions,
  ): Promise<((range: AssetRange) => Promise<Exposures>)[]> {
    const { form, targets, observed } = request;
    const path = this.path && isOfPath(inputs, this.path) ? this.path : undefined;
    // An average over dates has one head, the last: its variance is taken for the one of the mean.
    const pieces = path && !observed ? splitByPath(span, path.span) : [{ span, inside: false }];
    const readers: ((range: AssetRange) => Promise<Exposures>)[] = [];
    for (const piece of pieces) {
      const { rows, history } = this.inputsOf(inputs, piece.span);
      const wanted = { rows: history, form, targets, ...(observed && { averageOver: observed }) };
      const sensitivities = await this.ofMembers((member) => closedFormJacobian(rows, featureMap(member), wanted, run));
      if (path && piece.inside) {
        const { rows: all, history: within } = this.inputsOf(inputs, path.span);
        const features = await this.ofMembers((member) => closedFormFeatures(all, featureMap(member), within, run));
        const readout = {
          ...path,
          features,
          sensitivities,
          featureCount: this.fittedParameters.members[0].featureMean.length,
          sd: this.fittedParameters.returnSd,
          rows: { start: piece.span.start - path.span.start, end: piece.span.end - path.span.start },
        };
        readers.push((assets) => closedFormWalkExposures({ ...readout, assets }, run));
      } else {
        readers.push((assets) => closedFormExposures(this.readout(sensitivities, assets), run));
      }
    }
    return readers;
  }

  private all(): AssetRange {
    return { start: 0, end: this.assets };
  }

  /** Inputs of the span and of as many rows before as the lags reach; `history` is the span within them. */
  private inputsOf(inputs: FactorPanel, span: Span) {
    const { scaler } = this.fittedParameters;
    if (inputs.factors.length !== scaler.mean.length) {
      const text = `inputs have ${inputs.factors.length} series, the model was fitted on ${scaler.mean.length}`;
      throw new ArgumentError(text, 'give the same series in the same order');
    }
    if (!(span.start >= 0 && span.start <= span.end && span.end <= inputs.axis.dates.length)) {
      const text = `span ${span.start}..${span.end} does not lie in inputs of ${inputs.axis.dates.length} rows`;
      throw new ArgumentError(text);
    }
    const first = Math.max(0, span.start - this.reach + 1);
    const rows = encoderInputs(this.fittedParameters, inputs, { start: first, end: span.end });
    return { rows, history: { start: span.start - first, end: span.end - first } };
  }

  private async ofMembers(work: (member: EncoderParameters) => Promise<Float64Array>): Promise<Float64Array[]> {
    const out: Float64Array[] = [];
    for (const member of this.fittedParameters.members) out.push(await work(member));
    return out;
  }

  private readout(features: Float64Array[], range: AssetRange): ClosedFormReadout {
    const { members, returnMean, returnSd, assetGroup } = this.fittedParameters;
    const count = members[0].featureMean.length;
    const assets = returnMean.length;
    const ofRange = (array: Float64Array = new Float64Array(0)) => {
      const width = array.length / assets;
      return array.subarray(range.start * width, range.end * width);
    };
    return {
      features,
      heads: members.map(({ heads }) => ofRange(heads)),
      covariances: members.map(({ headCovariance }) => headCovariance ?? new Float64Array(0)),
      bases: members.map(({ headBasis }) => headBasis ?? new Float64Array(0)),
      variances: members.map(({ headVariances }) => ofRange(headVariances)),
      featureCount: count,
      mean: returnMean.subarray(range.start, range.end),
      sd: returnSd.subarray(range.start, range.end),
      group: assetGroup?.subarray(range.start, range.end) ?? new Int32Array(range.end - range.start).fill(-1),
    };
  }

  /** Series with role factor: those that the model knows, as columns of the inputs and as places among its factors. */
  private targets(inputs: FactorPanel) {
    const { columns } = this.fittedParameters;
    const series = indexesOfRole(inputs, 'factor');
    const known = series.filter((column) => columns.includes(column));
    // Place among the known series of each series with role factor; -1 where the model does not know it.
    const roles = series.map((column) => known.indexOf(column));
    return { columns: known, places: known.map((column) => columns.indexOf(column)), roles };
  }
}

/** Exposures and their variances, [asset][...]. */
interface Exposures {
  readonly values: Float64Array;
  readonly variance: Float64Array;
}

/** Puts runs of rows after each other for every asset. */
function joinRows(parts: readonly Exposures[], { start, end }: AssetRange): Exposures {
  if (parts.length === 0) return { values: new Float64Array(0), variance: new Float64Array(0) };
  if (parts.length === 1) return parts[0];
  const assets = end - start;
  const join = (key: keyof Exposures) => {
    const widths = parts.map((part) => part[key].length / assets);
    const total = widths.reduce((sum, width) => sum + width, 0);
    const out = new Float64Array(assets * total);
    for (let asset = 0; asset < assets; asset++) {
      let at = asset * total;
      parts.forEach((part, i) => {
        out.set(part[key].subarray(asset * widths[i], (asset + 1) * widths[i]), at);
        at += widths[i];
      });
    }
    return out;
  };
  return { values: join('values'), variance: join('variance') };
}

/** Mean over the dates at which each factor is observed of [asset][date][lag][target]; [asset][lag][target]. */
function meanOverDates(each: Float64Array, observed: Uint8Array, dates: number, lags: number): Float64Array {
  const targets = observed.length / dates;
  const cells = lags * targets;
  return Float64Array.from({ length: each.length / dates }, (_, i) => {
    const start = Math.floor(i / cells) * dates * cells + (i % cells);
    let [sum, count] = [0, 0];
    for (let date = 0; date < dates; date++) {
      if (observed[date * targets + (i % targets)] === 0) continue;
      sum += each[start + date * cells];
      count++;
    }
    return sum / count;
  });
}

function featureMap(member: EncoderParameters): FeatureMap {
  const { lookback, hiddenSize, weightIh, weightHh, bias, lagFilters, lagCount, filterCount, featureMean } = member;
  const map = { lookback, hiddenSize, weightIh, weightHh, bias, lagFilters, lagCount, filterCount, featureMean };
  return { ...map, ...(member.conditional && { conditional: true }) };
}

/** [row][column], 1 where the series is observed. */
function observedAt(inputs: FactorPanel, span: Span, columns: readonly number[]): number[] {
  const out: number[] = [];
  for (let row = span.start; row < span.end; row++) {
    for (const column of columns) {
      out.push(Number.isNaN(inputs.values[row * inputs.factors.length + column]) ? 0 : 1);
    }
  }
  return out;
}

/** Where each number of one asset's block [date][lag][factor] comes from in [date][lag][known]; -1 for NaN. */
function sources(
  shape: { dates: number; lags: number },
  roles: readonly number[],
  keep: (date: number, lag: number, place: number) => boolean,
): Int32Array {
  const known = roles.filter((place) => place >= 0).length;
  const out = new Int32Array(shape.dates * shape.lags * roles.length);
  let row = 0;
  for (let date = 0; date < shape.dates; date++) {
    for (let lag = 0; lag < shape.lags; lag++, row++) {
      roles.forEach((place, j) => {
        out[row * roles.length + j] = place >= 0 && keep(date, lag, place) ? row * known + place : -1;
      });
    }
  }
  return out;
}

/** Whether the factor is observed at the date that an exposure speaks of; before the first row nothing is missing. */
function missingMask(inputs: FactorPanel, form: JacobianForm, span: Span, columns: readonly number[]) {
  return (date: number, lag: number, place: number) => {
    const row = span.start + date - (form === 'lags' ? lag : 0);
    return row < 0 || !Number.isNaN(inputs.values[row * inputs.factors.length + columns[place]]);
  };
}

/** Puts the values of every asset where `places` says; `values` itself where that changes nothing. */
function spread(values: Float64Array, places: Int32Array, assets: AssetRange): Float64Array {
  const count = assets.end - assets.start;
  const known = values.length / count;
  if (known === places.length && places.every((place, i) => place === i)) return values;
  const out = new Float64Array(count * places.length);
  for (let asset = 0, to = 0; asset < count; asset++) {
    for (const place of places) out[to++] = place < 0 ? Number.NaN : values[asset * known + place];
  }
  return out;
}
