export {
  type EwmCrossSection,
  type EwmRegressionOptions,
  ewmCrossSection,
  ewmRegression,
  type OlsRegression,
  type OlsRegressionOptions,
  olsRegression,
  type RegressionPanel,
  type RegressionPath,
  type RegressionRange,
  type RollingRegressionOptions,
  rollingRegression,
  twoSidedPValues,
} from './linear.js';
export { activeIsa, nativeVersion, type RunOptions } from './native.js';
