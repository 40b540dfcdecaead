/** Median seconds of `repeats` runs of `work`, after one that warms up. */
export async function medianSeconds(work, repeats) {
  await work();
  const seconds = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const start = process.hrtime.bigint();
    await work();
    seconds.push(Number(process.hrtime.bigint() - start) * 1e-9);
  }
  return seconds.sort((a, b) => a - b)[repeats >> 1];
}
