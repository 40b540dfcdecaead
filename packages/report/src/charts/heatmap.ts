import type { EChartsOption } from 'echarts';
import { escapeHtml, fixed, signedPercent } from '../format.js';
import { axisStyle, type ChartTheme, tooltipStyle } from './theme.js';

/** One cell: exposure in % per SD, and what its tooltip says. */
export interface HeatmapCell {
  readonly factor: number;
  readonly asset: number;
  /** % per SD. */
  readonly value: number;
  readonly significant: boolean;
  /** An estimate that is shown and not relied upon. */
  readonly faded: boolean;
  /** Lines of the tooltip, plain text. */
  readonly lines: readonly string[];
}

/** What the factor heatmap shows; rows from the top. */
export interface HeatmapInput {
  readonly assets: readonly string[];
  readonly factors: readonly string[];
  readonly cells: readonly HeatmapCell[];
  readonly theme: ChartTheme;
}

/** Height in pixels of a row, and of the frame around the rows. */
const ROW = 24;
const FRAME = 86;

/** Opacity of a faded cell. */
const FADED = 0.5;

/** Height in pixels that a heatmap of so many rows needs. */
export function heatmapHeight(rows: number): number {
  return FRAME + ROW * Math.max(rows, 1);
}

/** Assets by factors, coloured on a scale centred on 0; significant cells are framed and bold. */
export function heatmapOption(input: HeatmapInput): EChartsOption {
  const { theme } = input;
  // Later cells are painted over earlier ones, and a frame must not be cut by a neighbour.
  const cells = [...input.cells].sort((a, b) => Number(a.significant) - Number(b.significant));
  const limit = colourLimit(cells.map((cell) => Math.abs(cell.value)));
  const style = axisStyle(theme);
  return {
    animation: false,
    textStyle: { fontFamily: theme.font },
    grid: { left: 8, right: 12, top: 62, bottom: 12, containLabel: true },
    tooltip: {
      ...tooltipStyle(theme),
      formatter: (at) => {
        const cell = cells[(at as unknown as { dataIndex: number }).dataIndex];
        const head = `${input.assets[cell.asset]} \u00b7 ${input.factors[cell.factor]}`;
        return `<b>${escapeHtml(head)}</b><br>${cell.lines.map(escapeHtml).join('<br>')}`;
      },
    },
    xAxis: {
      type: 'category',
      position: 'top',
      data: [...input.factors],
      ...style,
      axisLine: { show: false },
      axisLabel: { ...style.axisLabel, color: theme.text, interval: 0, fontSize: 12 },
    },
    yAxis: {
      type: 'category',
      inverse: true,
      data: [...input.assets],
      ...style,
      axisLine: { show: false },
      axisLabel: { ...style.axisLabel, color: theme.text, interval: 0, width: 150, overflow: 'truncate' },
    },
    visualMap: {
      min: -limit,
      max: limit,
      dimension: 2,
      calculable: false,
      orient: 'horizontal',
      left: 0,
      top: 0,
      itemWidth: 12,
      itemHeight: 180,
      precision: 1,
      text: [`+${fixed(limit, 1)} % per SD`, `${fixed(-limit, 1)} %`],
      textStyle: { color: theme.muted, fontSize: 11.5, fontFamily: theme.font },
      inRange: { color: [...theme.diverging] },
    },
    series: [
      {
        type: 'heatmap',
        data: cells.map((cell) => ({
          value: [cell.factor, cell.asset, cell.value],
          itemStyle: {
            borderRadius: 3,
            opacity: cell.faded ? FADED : 1,
            ...(cell.significant
              ? { borderColor: theme.text, borderWidth: 1.6 }
              : { borderColor: theme.surface, borderWidth: 1.5 }),
          },
          label: {
            show: true,
            formatter: signedPercent(cell.value / 100),
            fontWeight: cell.significant ? 700 : 400,
            color: labelColour(cell.faded ? 0 : cell.value / limit, theme),
            fontSize: 11,
            fontFamily: theme.font,
          },
        })),
        emphasis: { itemStyle: { borderColor: theme.text, borderWidth: 2 } },
      },
    ],
  };
}

/** A scale's end that one outlier cannot stretch: the 98th percentile of the absolute values. */
function colourLimit(sizes: number[]): number {
  const sorted = sizes.filter(Number.isFinite).sort((a, b) => a - b);
  return sorted[Math.floor(0.98 * (sorted.length - 1))] || 1;
}

/** Dark text on pale cells, white on strong ones; on dark pages the pale cells are the dark ones. */
function labelColour(share: number, theme: ChartTheme): string {
  const strong = Math.abs(share) > 0.72;
  if (theme.dark) return strong ? '#11151a' : theme.text;
  return strong ? '#ffffff' : '#1c2430';
}
