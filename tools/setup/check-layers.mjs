/**
 * Holds every package.json, tsconfig.json and Cargo.toml against the layer table of ARCHITECTURE.md: a package may
 * depend on lower layers only, never on a peer, and its project references are its dependencies.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const workspace = join(import.meta.dirname, '..', '..');
const read = (...path) => readFileSync(join(workspace, ...path), 'utf8');
const problems = [];

const layers = new Map();
for (const [, layer, names] of read('ARCHITECTURE.md').matchAll(/^\| (\d) \| (.+?) \|/gm)) {
  for (const [, name] of names.matchAll(/`([\w-]+)`/g)) layers.set(name, Number(layer));
}

for (const name of readdirSync(join(workspace, 'packages'))) {
  const layer = layers.get(name);
  if (layer === undefined) {
    problems.push(`packages/${name}: has no layer; add it to the table in ARCHITECTURE.md`);
    continue;
  }
  const manifest = JSON.parse(read('packages', name, 'package.json'));
  const internal = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
    .filter((dependency) => dependency.startsWith('@macrograd/'))
    .map((dependency) => dependency.slice('@macrograd/'.length));
  for (const dependency of internal) {
    if (!(layers.get(dependency) < layer)) {
      problems.push(
        `packages/${name}/package.json: depends on ${dependency}, which is not in a lower layer; move the code or the package`,
      );
    }
  }
  const references = JSON.parse(read('packages', name, 'tsconfig.json')).references.map(({ path }) =>
    path.slice('../'.length),
  );
  if ([...references].sort().join() !== [...internal].sort().join()) {
    problems.push(
      `packages/${name}/tsconfig.json: references (${references}) differ from the dependencies (${internal}); make them equal`,
    );
  }
  if (Object.keys(manifest.exports).sort().join() !== '.,./package.json') {
    problems.push(`packages/${name}/package.json: exports must be "." and "./package.json" only`);
  }
}

/** node, wasm -> lstm, linear -> simd. */
const crateLayers = { simd: 0, lstm: 1, linear: 1, node: 2, wasm: 2 };
for (const [crate, layer] of Object.entries(crateLayers)) {
  for (const [, dependency] of read('native', 'crates', crate, 'Cargo.toml').matchAll(
    /^macrograd-(\w+)\.workspace/gm,
  )) {
    if (!(crateLayers[dependency] < layer)) problems.push(`native/crates/${crate}: may not depend on ${dependency}`);
  }
}

for (const problem of problems) console.error(problem);
process.exit(problems.length === 0 ? 0 : 1);
