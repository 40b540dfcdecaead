import type { EChartsOption } from 'echarts';
import { escapeHtml, percent } from '../format.js';
import type { Maybe } from '../page-data.js';
import { quantile } from '../statistics.js';
import { axisStyle, type ChartTheme, tooltipStyle } from './theme.js';

/** Scores of one method over assets. */
export interface ArenaRow {
  readonly name: string;
  readonly colour: string;
  /** One entry an asset, a decimal share; null where there is none. */
  readonly scores: readonly Maybe[];
}

/** What a chart of scores by method shows. */
export interface ArenaInput {
  readonly rows: readonly ArenaRow[];
  readonly assets: readonly string[];
  readonly theme: ChartTheme;
}

/** Width of the strip of dots, in rows, and how far below 0 the axis may go before dots are set on its edge. */
const STRIP = 0.5;
const FLOOR = -0.6;

/** A dot for every asset and a box (quartiles, median) for every method; values off the axis sit on its edge. */
export function arenaOption(input: ArenaInput): EChartsOption {
  const { theme, rows } = input;
  const all = rows.flatMap((row) => row.scores.filter((x): x is number => x !== null));
  const low = axisFloor(all);
  const high = Math.max(0.02, ...all);
  const style = axisStyle(theme);
  const dots = rows.flatMap((row, r) =>
    row.scores.flatMap((score, asset) =>
      score === null ? [] : [{ value: [Math.max(score, low), r + spread(asset)], asset, row: r, score }],
    ),
  );
  return {
    animation: false,
    textStyle: { fontFamily: theme.font },
    grid: { left: 8, right: 18, top: 8, bottom: 8, containLabel: true },
    tooltip: {
      ...tooltipStyle(theme),
      formatter: (at) => {
        const dot = (at as unknown as { data: (typeof dots)[number] }).data;
        return `<b>${escapeHtml(input.assets[dot.asset])}</b><br>${escapeHtml(rows[dot.row].name)}: ${percent(dot.score)} %`;
      },
    },
    xAxis: {
      type: 'value',
      min: low,
      max: high,
      ...style,
      axisLabel: {
        ...style.axisLabel,
        hideOverlap: true,
        showMinLabel: false,
        showMaxLabel: false,
        formatter: (x: number) => axisPercent(x),
      },
    },
    yAxis: {
      type: 'value',
      min: -0.5,
      max: rows.length - 0.5,
      inverse: true,
      interval: 0.5,
      ...style,
      splitLine: { show: false },
      axisLine: { show: false },
      axisLabel: {
        ...style.axisLabel,
        color: theme.text,
        fontSize: 12.5,
        formatter: (y: number) => rows[y]?.name ?? '',
      },
    },
    series: [
      {
        type: 'scatter',
        data: dots.map((dot) => ({ ...dot, itemStyle: { color: rows[dot.row].colour, opacity: 0.55 } })),
        symbolSize: rows.length > 0 && all.length / rows.length > 400 ? 3 : 6.5,
        z: 2,
        markLine: {
          silent: true,
          symbol: 'none',
          label: { show: false },
          lineStyle: { color: theme.muted, type: 'solid', width: 1 },
          data: [{ xAxis: 0 }],
        },
      },
      boxes(input, low),
    ],
  };
}

function boxes(
  { rows, theme }: ArenaInput,
  low: number,
): NonNullable<Extract<EChartsOption['series'], unknown[]>>[number] {
  const data = rows.map((row, r) => {
    const sorted = row.scores.filter((x): x is number => x !== null).sort((a, b) => a - b);
    return [r, ...[0.25, 0.5, 0.75].map((p) => Math.max(quantile(sorted, p), low))];
  });
  return {
    type: 'custom',
    silent: true,
    z: 3,
    tooltip: { show: false },
    data,
    encode: { x: [1, 2, 3], y: 0 },
    renderItem: (_params, api) => {
      const r = Number(api.value(0));
      const [left, top] = api.coord([api.value(1), r - 0.3]);
      const [right, bottom] = api.coord([api.value(3), r + 0.3]);
      const [middle] = api.coord([api.value(2), r]);
      if (!Number.isFinite(left)) return null;
      const box = { x: left, y: top, width: Math.max(right - left, 1), height: bottom - top, r: 3 };
      return {
        type: 'group',
        children: [
          {
            type: 'rect',
            shape: box,
            style: { fill: rows[r].colour, fillOpacity: 0.12, stroke: rows[r].colour, lineWidth: 1.2 },
          },
          {
            type: 'line',
            shape: { x1: middle, y1: top, x2: middle, y2: bottom },
            style: { stroke: theme.text, lineWidth: 2.4 },
          },
        ],
      };
    },
  };
}

/** Lowest value on the axis: the 2nd percentile, but no lower than FLOOR and no higher than just below 0. */
function axisFloor(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const low = sorted.length > 0 ? quantile(sorted, 0.02) : 0;
  return Math.min(Math.max(low, FLOOR), -0.01) * 1.08;
}

/** Vertical place of an asset's dot inside its strip: a fixed low-discrepancy sequence, so that it never moves. */
function spread(asset: number): number {
  return ((((asset + 1) * 0.618034) % 1) - 0.5) * STRIP;
}

function axisPercent(x: number): string {
  return `${String(Number((100 * x).toFixed(1))).replace('-', '\u2212')} %`;
}
