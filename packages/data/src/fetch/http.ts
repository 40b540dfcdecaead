import { CancelledError, MacrogradError } from '@macrograd/core';

/** How requests are spaced and repeated. */
export interface HttpOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds between the starts of two requests; default 500 (FRED allows 120 a minute). */
  readonly spacing?: number;
  /** Milliseconds before the first repetition, doubled for every further one; default 1000. */
  readonly backOff?: number;
  /** Repetitions after failures that may pass; default 4. */
  readonly retries?: number;
}

/** An answer that is worth reading. */
export interface Answer {
  /** 200, 304 or, for requests that were wrong, 400 to 499. */
  readonly status: number;
  readonly body: Buffer;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
}

/** Largest answer that is read: 256 MiB. */
const LARGEST_ANSWER = 2 ** 28;

/** Milliseconds after which a request counts as failed. */
const PATIENCE = 60_000;

/** Longest pause that a server may ask for. */
const LONGEST_PAUSE = 60_000;

/** A client that spaces its requests and repeats those that may succeed later. */
export class HttpClient {
  private next = 0;

  constructor(private readonly options: HttpOptions = {}) {}

  /**
   * Gets a URL. Failing connections, 429 and 5xx are tried again, after the pause that the server names or a growing one.
   *
   * @param shown - the URL as messages may show it: without the key.
   * @throws MacrogradError (`unreachable`) when the last attempt fails too, CancelledError when the signal says so
   */
  async get(url: string, shown: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const { retries = 4, backOff = 1000 } = this.options;
    for (let attempt = 0; ; attempt++) {
      await this.pause(this.next - Date.now());
      this.next = Date.now() + (this.options.spacing ?? 500);
      const outcome = await this.attempt(url, headers);
      if (!('reason' in outcome)) return outcome;
      if (attempt >= retries) {
        throw new MacrogradError('unreachable', `${shown} did not answer: ${outcome.reason}`, {
          remedy: 'try later, or check the connection and the base URL',
        });
      }
      await this.pause(Math.min(outcome.pause ?? backOff * 2 ** attempt, LONGEST_PAUSE));
    }
  }

  private async attempt(
    url: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<Answer | { reason: string; pause?: number }> {
    const { signal } = this.options;
    const signals = [AbortSignal.timeout(PATIENCE), ...(signal ? [signal] : [])];
    try {
      const response = await fetch(url, {
        headers: { 'user-agent': 'macrograd', ...headers },
        signal: AbortSignal.any(signals),
      });
      const { status } = response;
      if (status === 429 || status >= 500) {
        await response.body?.cancel();
        const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
        return { reason: `status ${status}`, ...(seconds >= 0 ? { pause: 1000 * seconds } : {}) };
      }
      return {
        status,
        body: await readBody(response),
        etag: response.headers.get('etag') ?? undefined,
        lastModified: response.headers.get('last-modified') ?? undefined,
      };
    } catch (cause) {
      if (signal?.aborted) throw new CancelledError('the download');
      if (cause instanceof MacrogradError) throw cause;
      return { reason: reasonOf(cause) };
    }
  }

  private async pause(milliseconds: number): Promise<void> {
    if (milliseconds <= 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.options.signal?.addEventListener('abort', () => resolve(clearTimeout(timer)), { once: true });
    });
    if (this.options.signal?.aborted) throw new CancelledError('the download');
  }
}

async function readBody(response: Response): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > LARGEST_ANSWER) {
      throw new MacrogradError('unreachable', `${response.url.replace(/\?.*/, '')} sends more than 256 MiB`, {
        remedy: 'check the source and the base URL',
      });
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** undici wraps what went wrong with the connection. */
function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? (error instanceof Error ? error.message : String(error));
}
