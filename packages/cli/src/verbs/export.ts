import type { Command } from 'commander';
import { exitCodes } from '../exit.js';
import { formatBytes } from '../format.js';
import type { Perform } from '../program.js';
import { type CommonOptions, describeVerb, type Session } from '../session.js';

/** `macrograd export onnx`: a finished run's model for other runtimes. */
export function addExport(program: Command, perform: Perform): void {
  const group = program.command('export').summary("write a finished run's models for other runtimes");
  group.description('Writes the models of a finished run in the format of another runtime.');
  const onnx = group
    .command('onnx')
    .summary('write onnx/model.onnx and compare it with the fitted model')
    .description(
      'Writes onnx/model.onnx from the stored model, runs it in ONNX Runtime on the windows of the data, and compares ' +
        'it with the model that was fitted.',
    )
    .argument('<dir>', 'directory that a run wrote');
  describeVerb(onnx, 'macrograd export onnx out').action((dir: string, options: CommonOptions) =>
    perform(options, (session) => exportOnnx(session, dir)),
  );
}

async function exportOnnx(session: Session, dir: string): Promise<number> {
  const { exportOnnxModel } = await import('@macrograd/pipeline');
  const { file, bytes, parity } = await exportOnnxModel(dir);
  const error = parity.maxRelativeError.toExponential(1);
  session.result(
    `${file} (${formatBytes(bytes)}): ${parity.compared.toLocaleString('en-US')} returns compared, largest difference ${error} of the largest return`,
    { file, bytes, ...parity },
  );
  return exitCodes.done;
}
