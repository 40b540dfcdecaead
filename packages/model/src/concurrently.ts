/** Native calls under way at a time where the caller names no number of threads: more than a pool of threads takes. */
const MOST_CALLS = 64;

/** Does `work` for every item, at most `threads` (0 or absent: plenty) at a time; results in the items' order. */
export async function concurrently<T, R>(
  items: readonly T[],
  threads: number | undefined,
  onProgress: (share: number) => void,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let [next, done] = [0, 0];
  const worker = async () => {
    while (next < items.length) {
      const at = next++;
      try {
        results[at] = await work(items[at]);
      } catch (error) {
        // What has not begun is not begun.
        next = items.length;
        throw error;
      }
      onProgress(++done / items.length);
    }
  };
  await Promise.all(Array.from({ length: Math.min(threads || MOST_CALLS, items.length) }, worker));
  return results;
}
