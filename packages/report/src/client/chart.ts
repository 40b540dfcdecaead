import type { EChartsOption } from 'echarts';
import { BarChart, CustomChart, HeatmapChart, LineChart, ScatterChart } from 'echarts/charts';
import {
  GridComponent,
  LegendComponent,
  MarkAreaComponent,
  MarkLineComponent,
  TooltipComponent,
  VisualMapComponent,
} from 'echarts/components';
import { type EChartsType, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { type ChartTheme, darkTheme, lightTheme } from '../charts/theme.js';

use([
  BarChart,
  CustomChart,
  HeatmapChart,
  LineChart,
  ScatterChart,
  GridComponent,
  LegendComponent,
  MarkAreaComponent,
  MarkLineComponent,
  TooltipComponent,
  VisualMapComponent,
  SVGRenderer,
]);

const dark = matchMedia('(prefers-color-scheme: dark)');
let printing = false;
const mounted = new Set<MountedChart>();

/** A chart in an element of the page, drawn anew when the data, the colours or the width change. */
export class MountedChart {
  private readonly chart: EChartsType;
  private option: ((theme: ChartTheme) => EChartsOption) | undefined;

  constructor(
    private readonly element: HTMLElement,
    onClick?: (value: unknown) => void,
  ) {
    this.chart = init(element, null, { renderer: 'svg' });
    if (onClick) this.chart.on('click', (event) => onClick((event as { value?: unknown }).value));
    new ResizeObserver(() => this.chart.resize()).observe(element);
    mounted.add(this);
  }

  /** Shows what `option` makes of the page's colours. */
  draw(option: (theme: ChartTheme) => EChartsOption): void {
    this.option = option;
    this.redraw();
  }

  redraw(): void {
    if (!this.option) return;
    this.chart.setOption(this.option(currentTheme()), { notMerge: true });
    this.chart.resize();
  }

  /** Sets the height and keeps the drawing in step. */
  height(pixels: number): void {
    this.element.style.height = `${pixels}px`;
    this.chart.resize();
  }
}

function currentTheme(): ChartTheme {
  return dark.matches && !printing ? darkTheme : lightTheme;
}

function redrawAll(): void {
  for (const chart of mounted) chart.redraw();
}

dark.addEventListener('change', redrawAll);
// Paper is white, whatever the screen is set to.
addEventListener('beforeprint', () => {
  printing = true;
  redrawAll();
});
addEventListener('afterprint', () => {
  printing = false;
  redrawAll();
});
