import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MacrogradError } from '@macrograd/core';
import { pageData } from './page/data.js';
import { type ClientFiles, pageHtml } from './page/page.js';
import { type RunResult, readResult } from './result.js';

/** Settings of {@link writeReport}. */
export interface ReportOptions {
  /** Also write the main charts as heatmap.png, history.png, r2.png and hedge.png beside the page. Default false. */
  readonly png?: boolean;
  /** Characters that the exposures through time may take in the page; assets beyond it get no such charts. */
  readonly historyBudget?: number;
}

/**
 * Writes `<resultDir>/report/index.html`, one file that loads nothing from elsewhere, and returns its path.
 *
 * Reads the result tables and run.json; estimates nothing. Throws InputError where one of them is missing.
 *
 * @example
 * const path = await writeReport('out', { png: true });
 */
export async function writeReport(resultDir: string, options: ReportOptions = {}): Promise<string> {
  const result = await readResult(resultDir);
  const folder = join(resultDir, 'report');
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'index.html');
  const data = pageData(result, options.historyBudget);
  await writeFile(file, pageHtml(result.run, data, await clientFiles(), result.diagnostics));
  if (options.png) {
    // Loaded on demand: the charts' library is large and most runs need the page alone.
    const { writeCharts } = await import('./png.js');
    await writeCharts(data, folder);
  }
  return file;
}

/** The report's HTML for tables that are in memory. */
export async function renderReport(result: RunResult, options: ReportOptions = {}): Promise<string> {
  return pageHtml(result.run, pageData(result, options.historyBudget), await clientFiles(), result.diagnostics);
}

/** The page's script and style sheet, bundled by the build into dist/. */
async function clientFiles(): Promise<ClientFiles> {
  const read = async (name: string) => {
    try {
      return await readFile(new URL(`../dist/client/${name}`, import.meta.url), 'utf8');
    } catch (cause) {
      throw new MacrogradError('not_found', `the report's ${name} has not been built`, {
        remedy: 'run npm run build',
        cause,
      });
    }
  };
  const [script, style] = await Promise.all([read('client.js'), read('client.css')]);
  return { script, style };
}
