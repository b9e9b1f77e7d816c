import { commandShape } from '../lib/command-shape.ts';
import { isExplainable } from './command.ts';
import { EXERCISES } from './exercises.ts';
import type { SentCommand } from './record.ts';
import type { Scene } from './scene.ts';

/** One of the queries of a route; those that differ in values only are one. */
export interface RouteQuery {
  /** The first request that made the service ask it. */
  readonly request: string;
  readonly sent: SentCommand;
  /** The question with types in the place of values. */
  readonly shape: Readonly<Record<string, unknown>>;
}

/** Drives a route, `<method> <url>`, through its exercise, and returns its queries in the order of their first use. */
export async function routeQueries(scene: Scene, route: string): Promise<RouteQuery[]> {
  const before = scene.recorded.length;
  await EXERCISES[route]?.(scene);
  const queries = new Map<string, RouteQuery>();
  for (const { request, sent } of scene.recorded.slice(before)) {
    for (const one of sent.filter(({ name }) => isExplainable(name))) {
      const shape = commandShape(one.command);
      const key = JSON.stringify([one.name, one.collection, shape]);
      if (!queries.has(key)) queries.set(key, { request, sent: one, shape });
    }
  }
  return [...queries.values()];
}
