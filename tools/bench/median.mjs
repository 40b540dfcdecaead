const wallSeconds = () => Number(process.hrtime.bigint()) * 1e-9;

/** Processor time of all threads of this process: what work costs on a machine that others use too. */
export function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1e-6;
}

/** Calls that warm up: until so many seconds are over, at least one, at most so many. Short work is slower in its first calls. */
const WARM_SECONDS = 0.5;
const WARM_CALLS = 10;

/** Median seconds of `repeats` runs of `work`, after those that warm up; wall time, or by another clock. */
export async function medianSeconds(work, repeats, clock = wallSeconds, warm = WARM_SECONDS) {
  const from = wallSeconds();
  for (let call = 0; call === 0 || (call < WARM_CALLS && wallSeconds() - from < warm); call++) await work();
  const seconds = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const start = clock();
    await work();
    seconds.push(clock() - start);
  }
  return seconds.sort((a, b) => a - b)[repeats >> 1];
}
