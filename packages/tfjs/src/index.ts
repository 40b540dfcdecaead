export { loadTfjs, type TfjsBackend, type TfjsKind, type TfjsTrainOptions } from './backend.js';
export { ensembleToLayersModel, ensembleWindow, ensembleWindows } from './ensemble.js';
export { lstmFromLayersModel } from './import.js';
export { type LayersModelFiles, type LayersModelJson, lstmToLayersModel } from './layers-model.js';
export { runLayersModel } from './run.js';
