/** Wall-clock seconds of the stages of a run. */
export class Stopwatch {
  readonly laps: Record<string, number> = {};
  private last = performance.now();

  /** Books the time since the last lap on a stage. */
  lap(stage: string): void {
    const now = performance.now();
    this.laps[stage] = Math.round(now - this.last) / 1000;
    this.last = now;
  }
}
