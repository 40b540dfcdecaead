const wallSeconds = () => Number(process.hrtime.bigint()) * 1e-9;

/** Processor time of all threads of this process: what work costs on a machine that others use too. */
export function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1e-6;
}

/** Median seconds of `repeats` runs of `work`, after one that warms up; wall time, or by another clock. */
export async function medianSeconds(work, repeats, clock = wallSeconds) {
  await work();
  const seconds = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const start = clock();
    await work();
    seconds.push(clock() - start);
  }
  return seconds.sort((a, b) => a - b)[repeats >> 1];
}
