import type {
  CustomSeriesRenderItemAPI,
  CustomSeriesRenderItemParams,
  CustomSeriesRenderItemReturn,
  SeriesOption,
} from 'echarts';
import type { Band } from '../page-data.js';

/** Runs of consecutive points where both ends of the interval are present. */
export function presentRuns(band: Band): (readonly [number, number])[] {
  const runs: (readonly [number, number])[] = [];
  let start = -1;
  for (let i = 0; i <= band.lo.length; i++) {
    const here = i < band.lo.length && Number.isFinite(band.lo[i]) && Number.isFinite(band.hi[i]);
    if (here && start < 0) start = i;
    if (!here && start >= 0) {
      runs.push([start, i]);
      start = -1;
    }
  }
  return runs;
}

/** The interval of a line as one polygon for every run without a gap. */
export function bandSeries(x: readonly number[], band: Band, colour: string, name: string): SeriesOption {
  const runs = presentRuns(band);
  return {
    type: 'custom',
    name,
    silent: true,
    z: 2,
    clip: true,
    tooltip: { show: false },
    // One item a run with its ends, from which the axis takes its extent; the polygon's own points do the drawing.
    data: runs.map(([start, end]) => [x[start], least(band.lo, start, end), most(band.hi, start, end)]),
    encode: { x: 0, y: [1, 2] },
    itemStyle: { color: colour },
    renderItem: (
      params: CustomSeriesRenderItemParams,
      api: CustomSeriesRenderItemAPI,
    ): CustomSeriesRenderItemReturn => {
      const [start, end] = runs[params.dataIndex];
      const points: number[][] = [];
      for (let i = start; i < end; i++) points.push(api.coord([x[i], band.hi[i]]));
      for (let i = end - 1; i >= start; i--) points.push(api.coord([x[i], band.lo[i]]));
      return { type: 'polygon', shape: { points }, style: { fill: colour, opacity: 0.15 } };
    },
  };
}

function least(values: Float64Array, start: number, end: number): number {
  return values.subarray(start, end).reduce((a, b) => Math.min(a, b));
}

function most(values: Float64Array, start: number, end: number): number {
  return values.subarray(start, end).reduce((a, b) => Math.max(a, b));
}

/** A vertical whisker from `lo` to `hi` at every point that has both. */
export function whiskerSeries(x: readonly number[], band: Band, colour: string, name: string): SeriesOption {
  const points = x.flatMap((at, i) => (Number.isFinite(band.lo[i]) ? [[at, band.lo[i], band.hi[i]]] : []));
  return {
    type: 'custom',
    name,
    silent: true,
    z: 4,
    tooltip: { show: false },
    data: points,
    encode: { x: 0, y: [1, 2] },
    renderItem: (
      _params: CustomSeriesRenderItemParams,
      api: CustomSeriesRenderItemAPI,
    ): CustomSeriesRenderItemReturn => {
      const [px, low] = api.coord([api.value(0), api.value(1)]);
      const [, high] = api.coord([api.value(0), api.value(2)]);
      return {
        type: 'line',
        shape: { x1: px, y1: low, x2: px, y2: high },
        style: { stroke: colour, lineWidth: 1.4, opacity: 0.85 },
      };
    },
  };
}

/** Points of a line for a chart: NaN as null, so that a missing value leaves a gap. */
export function linePoints(x: readonly number[], values: Float64Array): (number | null)[][] {
  return x.map((at, i) => [at, Number.isFinite(values[i]) ? values[i] : null]);
}

/** A band with all three lines multiplied. */
export function scaleBand(band: Band, factor: number): Band {
  const times = (values: Float64Array) => values.map((x) => x * factor);
  return { value: times(band.value), lo: times(band.lo), hi: times(band.hi) };
}
