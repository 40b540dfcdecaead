export { type EvaluationConfig, type LstmConfig, parseConfig, type RunConfig, readConfig } from './config/config.js';
