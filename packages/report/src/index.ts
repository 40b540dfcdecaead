export type { RunResult } from './result.js';
export { type IdentityCheck, parseRunRecord, type RunRecord } from './run-record.js';
export { type ReportOptions, renderReport, writeReport } from './write-report.js';
