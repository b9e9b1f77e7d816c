import type { LightMyRequestResponse as Response } from 'fastify';
import type { TestApp } from './app.ts';

/** That many requests at once, spread over the instances. */
export const inParallel = <T>(
  instances: readonly TestApp[],
  count: number,
  work: (instance: TestApp, index: number) => Promise<T>,
): Promise<T[]> =>
  Promise.all(
    Array.from({ length: count }, (_, index) => {
      const instance = instances[index % instances.length];
      if (!instance) throw new Error('no instance to ask');
      return work(instance, index);
    }),
  );

/** Status of an answer, and the code of a problem: `201`, `409 email-taken`. */
export const outcome = (response: Response): string =>
  response.statusCode < 400 ? String(response.statusCode) : `${response.statusCode} ${response.json().code}`;

/** How often each outcome came. */
export function tally(responses: readonly Response[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const each of responses.map(outcome)) counts[each] = (counts[each] ?? 0) + 1;
  return counts;
}
