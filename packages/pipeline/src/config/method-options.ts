import type {
  DistributedLagEstimatorOptions,
  ElasticNetEstimatorOptions,
  EwmOlsEstimatorOptions,
  KalmanEstimatorOptions,
  MarkovEstimatorOptions,
  OlsEstimatorOptions,
  PcaEstimatorOptions,
  PlsEstimatorOptions,
  RidgeEstimatorOptions,
  RollingOlsEstimatorOptions,
  SplineEstimatorOptions,
  ThresholdEstimatorOptions,
  VarEstimatorOptions,
  WlsEstimatorOptions,
} from '@macrograd/linear';
import type { z as Zod } from 'zod';

/** Options of the traditional methods that a config sets; what is absent has the estimator's default. */
export interface MethodOptions {
  readonly ols?: OlsEstimatorOptions;
  readonly rolling_ols?: RollingOlsEstimatorOptions;
  readonly ewm_ols?: EwmOlsEstimatorOptions;
  readonly wls?: WlsEstimatorOptions;
  readonly ridge?: RidgeEstimatorOptions;
  readonly elastic_net?: ElasticNetEstimatorOptions;
  readonly pls?: PlsEstimatorOptions;
  readonly pca?: PcaEstimatorOptions;
  readonly var?: VarEstimatorOptions;
  readonly kalman?: KalmanEstimatorOptions;
  readonly threshold?: ThresholdEstimatorOptions;
  readonly markov?: MarkovEstimatorOptions;
  readonly distributed_lag?: DistributedLagEstimatorOptions;
  readonly spline?: SplineEstimatorOptions;
}

/** The config's sections of methods: keys are the options of the estimators in snake_case. */
export function methodSections(z: typeof Zod) {
  const count = (least: number) => z.int().min(least).optional();
  const positive = z.number().gt(0).optional();
  const shrinkage = { shrinkage: z.enum(['cross_section', 'none']).optional(), strength: positive };
  // Absent sections leave the hash of a config as it was.
  return {
    ols: z.strictObject(shrinkage).optional(),
    rolling_ols: z.strictObject({ window: count(2), ...shrinkage }).optional(),
    ewm_ols: z
      .strictObject({
        half_life: z.union([z.number().gt(0), z.literal('validated')]).optional(),
        ...shrinkage,
        strength: z.union([z.number().gt(0), z.literal('validated')]).optional(),
        row_weights: z.enum(['equal', 'calm']).optional(),
        residual_limit: positive,
      })
      .optional(),
    wls: z.strictObject({ half_life: positive }).optional(),
    ridge: z.strictObject({ alpha: z.number().min(0).optional() }).optional(),
    elastic_net: z.strictObject({ l1_ratio: z.number().gt(0).max(1).optional() }).optional(),
    pls: z.strictObject({ components: count(1) }).optional(),
    pca: z.strictObject({ components: count(1) }).optional(),
    var: z.strictObject({ order: count(1) }).optional(),
    kalman: z
      .strictObject({
        form: z.enum(['random_walk', 'mean_reverting', 'common']).optional(),
        noise: z.enum(['gaussian', 'student_t', 'stochastic_volatility']).optional(),
        pooling: z.enum(['cross_section', 'variances', 'none']).optional(),
      })
      .optional(),
    threshold: z
      .strictObject({
        variables: z.array(z.string().min(1)).min(1).optional(),
        delay: count(0),
        scope: z.enum(['pooled', 'asset']).optional(),
        level: z.number().gt(0).max(1).optional(),
      })
      .optional(),
    markov: z.strictObject({ regimes: z.int().min(2).max(3).optional() }).optional(),
    distributed_lag: z
      .strictObject({
        lags: count(2),
        shape: z.enum(['bumps', 'free', 'almon', 'koyck']).optional(),
        prior: z.enum(['empirical_bayes', 'reduced_rank', 'ridge']).optional(),
        rank: count(0),
      })
      .optional(),
    spline: z
      .strictObject({
        lags: count(0),
        prior: z.enum(['components', 'empirical_bayes', 'ridge']).optional(),
        components: count(1),
      })
      .optional(),
  };
}

type Sections = { readonly [Name in keyof ReturnType<typeof methodSections>]?: object | undefined };

/** The sections of a checked config as options of the estimators. */
export function methodOptionsOf(raw: Sections & Record<string, unknown>): MethodOptions {
  const names: readonly (keyof MethodOptions)[] = [
    'ols',
    'rolling_ols',
    'ewm_ols',
    'wls',
    'ridge',
    'elastic_net',
    'pls',
    'pca',
    'var',
    'kalman',
    'threshold',
    'markov',
    'distributed_lag',
    'spline',
  ];
  const present = names.filter((name) => raw[name] !== undefined);
  return Object.fromEntries(present.map((name) => [name, camelCased(raw[name] as object)]));
}

function camelCased(section: object): Record<string, unknown> {
  const given = Object.entries(section).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    given.map(([key, value]) => [key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()), value]),
  );
}
