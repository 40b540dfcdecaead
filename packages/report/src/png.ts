import type { RunResult } from './result.js';
export async function writeCharts(_r: RunResult, _f: string): Promise<void> {}
