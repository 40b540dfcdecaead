export {
  type ClosedFormFit,
  type ClosedFormInputs,
  type ClosedFormMember,
  type ClosedFormOptions,
  type ClosedFormReadout,
  closedFormExposures,
  closedFormFeatures,
  closedFormFit,
  closedFormJacobian,
  closedFormPredictions,
  type FeatureJacobianRequest,
  type FeatureMap,
  type RowRange,
} from './closedForm.js';
export { closedFormWalkExposures, type MemberWalks, type WalkGroups, type WalkReadout } from './closedFormWalks.js';
export {
  type CovarianceKind,
  type EwmCrossSection,
  type EwmRegressionOptions,
  ewmCrossSection,
  ewmRegression,
  type MovingErrorOptions,
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
export { type PooledHeadOptions, type PooledHeads, pooledHeads } from './linearHeads.js';
export {
  diffuseModel,
  type KalmanModel,
  type KalmanNoise,
  type KalmanPath,
  type KalmanPathOptions,
  type KalmanSearch,
  type KalmanVariances,
  kalmanPath,
  kalmanVariances,
  kalmanVariancesEach,
} from './linearKalman.js';
export {
  type MarkovRegression,
  type MarkovRegressionOptions,
  markovRegression,
  type ThresholdSearchOptions,
  type Thresholds,
  thresholdSearch,
} from './linearRegimes.js';
export {
  estimateMemory,
  type LstmGradients,
  type LstmMemory,
  type LstmTraining,
  type LstmTrainOptions,
  lstmBackward,
  lstmForward,
  lstmJacobian,
  lstmStates,
  lstmTrain,
  measurePeak,
} from './lstm.js';
export type { LstmBatch, LstmModel, LstmOutOptions, LstmRunOptions, RealArray } from './lstmCall.js';
export {
  type InputPlace,
  type JacobianPenalty,
  type LstmParameterGradients,
  lstmCrossPartials,
  lstmHessian,
  lstmJacobianJvp,
  lstmJacobianPenalty,
  lstmJvp,
  lstmPullBackJacobian,
  lstmVjp,
} from './lstmDirectional.js';
export {
  columnCount,
  type LstmColumnOptions,
  type LstmColumns,
  type LstmExposureShape,
  lstmExposures,
  lstmHiddenColumns,
  lstmJacobianColumns,
} from './lstmExposures.js';
export {
  type LstmNetworkBatches,
  type LstmNetworkFailure,
  type LstmNetworks,
  type LstmNetworksTraining,
  lstmJacobianEach,
  lstmTrainEach,
} from './lstmNetworks.js';
export { activeIsa, loadKernel, nativeVersion, type RunOptions } from './native.js';
export {
  type PrincipalComponents,
  type PrincipalComponentsOptions,
  principalComponents,
} from './principalComponents.js';
export {
  type BootstrapRequest,
  bootstrapResponses,
  type Resampling,
  type ResponseBands,
  type StateResponseRequest,
  type StateResponses,
  stateResponses,
} from './responseBands.js';
export {
  bestSteps,
  type DirectionsPath,
  type ElasticNetPath,
  type FamaMacBeth,
  famaMacBeth,
  fPValues,
  type GrsTest,
  grsTest,
  type PartialLeastSquaresPath,
  type PricingPanel,
  type ShrinkagePath,
  type ShrinkagePathOptions,
  shrinkagePath,
} from './shrinkagePath.js';
export {
  type AssetEquations,
  assetResponses,
  bestOrder,
  type GrangerTest,
  grangerTest,
  type Impulse,
  type ImpulseResponses,
  type ResponseRequest,
  type SeriesMatrix,
  type VarOrder,
  type VectorAutoregression,
  varianceDecomposition,
  varOrder,
  varResponses,
  vectorAutoregression,
} from './vectorAutoregression.js';
