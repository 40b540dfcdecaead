export type { RunResult } from './result.js';
export { type ReportOptions, renderReport, writeReport } from './write-report.js';
