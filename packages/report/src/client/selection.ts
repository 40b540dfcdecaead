import type { Selection } from '../selection.js';

type Listener = (selection: Selection) => void;

/** The asset and factor looked at, shared by the parts of the page. */
export class SelectionStore {
  private readonly listeners: Listener[] = [];

  constructor(private selection: Selection) {}

  get current(): Selection {
    return this.selection;
  }

  /** Changes part of the selection and tells everyone. */
  set(patch: Partial<Selection>): void {
    this.selection = { ...this.selection, ...patch };
    for (const listener of this.listeners) listener(this.selection);
  }

  /** Calls at once and after every change. */
  follow(listener: Listener): void {
    this.listeners.push(listener);
    listener(this.selection);
  }
}
