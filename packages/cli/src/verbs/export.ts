import type { JacobianForm } from '@macrograd/core';
import { type Command, Option } from 'commander';
import { exitCodes } from '../exit.js';
import { formatBytes } from '../format.js';
import type { Perform } from '../program.js';
import { type CommonOptions, describeVerb, type Session } from '../session.js';

/** `macrograd export onnx` and `tfjs`: a finished run's model for other runtimes. */
export function addExport(program: Command, perform: Perform): void {
  const group = program.command('export').summary("write a finished run's models for other runtimes");
  group.description('Writes the models of a finished run in the format of another runtime.');
  const onnx = group
    .command('onnx')
    .summary('write onnx/model.onnx and exposures.onnx and compare them with the fitted model')
    .description(
      'Writes onnx/model.onnx (returns) and onnx/exposures.onnx from the stored model, runs both in ONNX Runtime, and ' +
        'compares them with the model that was fitted. Another method than the one that a run exports goes to a ' +
        'folder of its name in there.',
    )
    .argument('<dir>', 'directory that a run wrote')
    .option('--method <name>', 'method to export, or chosen for the mix of them (default: lstm where there is one)')
    .addOption(new Option('--opset <number>', 'operator set').choices(['14', '17']).default('17'))
    .option('--asset <name...>', 'assets that get files of their own, in assets/ (default: one pair of files for all)')
    .addOption(
      new Option('--forms <name...>', 'forms of exposures in the file (default: all; lags cost the most)').choices([
        'contemporaneous',
        'cumulative',
        'lags',
      ]),
    )
    .option('--all-assets', 'exposures.onnx gives all assets and has no input that selects some')
    .option('--external-above <bytes>', 'size of weights above which they go to a file beside the model', Number)
    .option('--float16', 'store weights in half precision: half the size, with the error that is printed');
  describeVerb(onnx, 'macrograd export onnx out').action((dir: string, options: ExportOnnxOptions) =>
    perform(options, (session) => exportOnnx(session, dir, options)),
  );
  const tfjs = group
    .command('tfjs')
    .summary('write the LSTM as tfjs/model.json for TensorFlow.js and compare it with the fitted model')
    .description(
      'Writes tfjs/model.json and weights.bin (a Keras layers model: windows in the own units of the series -> returns) ' +
        'from the stored LSTM, runs them in TensorFlow.js and compares them with the model that was fitted.',
    )
    .argument('<dir>', 'directory that a run wrote');
  describeVerb(tfjs, 'macrograd export tfjs out').action((dir: string, options: CommonOptions) =>
    perform(options, (session) => exportTfjs(session, dir)),
  );
}

async function exportTfjs(session: Session, dir: string): Promise<number> {
  const { exportTfjsModel } = await import('@macrograd/pipeline');
  const exported = await exportTfjsModel(dir);
  const { compared, maxRelativeError } = exported.returns;
  const names = exported.files.map(({ file, bytes }) => `${file} (${formatBytes(bytes)})`).join(', ');
  session.result(
    `${names}: ${compared.toLocaleString('en-US')} returns compared, largest difference ${maxRelativeError.toExponential(1)} of the largest`,
    exported,
  );
  return exitCodes.done;
}

interface ExportOnnxOptions extends CommonOptions {
  readonly method?: string;
  readonly opset: '14' | '17';
  readonly float16?: boolean;
  readonly asset?: readonly string[];
  readonly externalAbove?: number;
  readonly forms?: readonly JacobianForm[];
  readonly allAssets?: boolean;
}

async function exportOnnx(session: Session, dir: string, options: ExportOnnxOptions): Promise<number> {
  const { exportOnnxModel } = await import('@macrograd/pipeline');
  const exported = await exportOnnxModel(dir, {
    opset: options.opset === '14' ? 14 : 17,
    weights: options.float16 ? 'float16' : 'float32',
    ...(options.method !== undefined && { method: options.method }),
    ...(options.asset !== undefined && { assets: options.asset }),
    ...(options.externalAbove !== undefined && { externalAbove: options.externalAbove }),
    ...(options.forms !== undefined && { forms: options.forms }),
    ...(options.allAssets && { selectable: false }),
  });
  const lines = exported.flatMap(({ files, returns, exposures }) =>
    files.map(({ file, bytes }, i) => {
      const { compared, maxRelativeError } = [returns, exposures][i];
      const error = maxRelativeError.toExponential(1);
      return `${file} (${formatBytes(bytes)}): ${compared.toLocaleString('en-US')} values compared, largest difference ${error} of the largest`;
    }),
  );
  session.result(lines.join('\n'), exported);
  return exitCodes.done;
}
