import autocannon from 'autocannon';

export interface LoadRequest {
  readonly method?: 'GET' | 'POST' | 'PATCH';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Run {
  readonly seconds: number;
  /** Milliseconds of each request, in the order of the answers. */
  readonly latencies: readonly number[];
}

/** autocannon writes the length of the body into the headers that it is given. */
const ownHeaders = (request: LoadRequest): LoadRequest => ({ ...request, headers: { ...request.headers } });

/**
 * Sends `amount` requests over `connections` connections, on each the next when the last is answered, and waits for
 * all answers: what is still worked on would slow down whatever is measured next.
 * @throws when an answer is not a success: how fast a service fails is not what is asked
 */
export async function load(origin: string, connections: number, amount: number, next: () => LoadRequest): Promise<Run> {
  const latencies: number[] = [];
  const refused = new Map<number, number>();
  const started = performance.now();
  let last = started;
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const instance = autocannon(
      {
        url: origin,
        connections,
        amount,
        timeout: 60,
        requests: [{ setupRequest: (request) => ({ ...request, ...ownHeaders(next()) }) }],
      },
      (error: unknown, done) => (error ? reject(error) : resolve(done)),
    );
    instance.on('response', (_client, status, _bytes, milliseconds) => {
      last = performance.now();
      latencies.push(milliseconds);
      if (status >= 400) refused.set(status, (refused.get(status) ?? 0) + 1);
    });
  });
  if (refused.size > 0) throw new Error(`answers of ${origin}: ${[...refused].map((pair) => pair.join(' × '))}`);
  if (result.errors > 0) throw new Error(`${result.errors} requests to ${origin} were not answered`);
  return { seconds: (last - started) / 1000, latencies };
}
