import type { Command } from 'commander';
import type { MongoClient } from 'mongodb';
import { explainCommand } from '../explain/command.ts';
import type { RouteQuery } from '../explain/route-queries.ts';
import { planProblems, planSummary } from '../lib/query-plan.ts';
import { withMigrationClient } from '../migrations.ts';
import { say, UsageError, withDatabase } from './context.ts';

export function register(program: Command): void {
  program
    .command('explain')
    .description("Shows which queries the routes send, and the database's plan for those of one route.")
    .argument('[route...]', 'method and path, as in: GET /v1/users/me; without it, all routes are listed')
    .addHelpText('after', HELP)
    .action((words: string[]) => explain(words.join(' ').trim()));
}

const HELP = `
The routes are called in a scratch database on the same server, which gets a sample of the accounts and is dropped
afterwards. The queries that they send there are then explained in the database itself, which is only read.

Each plan is read from the result down to the index. "!" marks what makes a query slower as its collection grows. An
engine other than MongoDB may sort in memory what MongoDB takes from an index.`;

/** A search that takes longer than this is not worth waiting for: its plan is what is wrong. */
const OPTIONS = { verbosity: 'executionStats', maxTimeMS: 10_000 } as const;

async function explain(wanted: string): Promise<void> {
  // Only here, because it loads the whole application, which no other command wants to wait for.
  const { EXERCISES } = await import('../explain/exercises.ts');
  const routes = Object.keys(EXERCISES).filter((route) => wanted === '' || matches(route, wanted));
  if (routes.length === 0) throw new UsageError(`There is no route "${wanted}". "bin/roster explain" lists them.`);
  const { withScratchScene } = await import('../explain/scratch-scene.ts');
  const { routeQueries } = await import('../explain/route-queries.ts');
  await withDatabase(({ uri, connection: { name } }) =>
    withMigrationClient(uri, async (client) => {
      say(`Calling ${routes.length === 1 ? routes[0] : `${routes.length} routes`} in a scratch database`);
      const found = await withScratchScene(client, uri, name, async (scene) => {
        const queries: [string, RouteQuery[]][] = [];
        for (const route of routes) queries.push([route, await routeQueries(scene, route)]);
        return queries;
      });
      for (const [route, queries] of found) {
        process.stdout.write(`${route}\n`);
        const lines = wanted === '' ? summary(queries) : await plans(client, name, queries);
        process.stdout.write(lines.map((line) => `  ${line}\n`).join(''));
      }
    }),
  );
}

/** A path alone stands for all its methods. */
const matches = (route: string, wanted: string): boolean =>
  route === wanted || route.slice(route.indexOf(' ') + 1) === wanted;

/** `find users (3 shapes)`, one line for each kind of command. */
function summary(queries: readonly RouteQuery[]): string[] {
  const counts = new Map<string, number>();
  for (const { sent } of queries) {
    const kind = `${sent.name} ${sent.collection}`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].map(([kind, count]) => (count === 1 ? kind : `${kind} (${count} shapes)`));
}

async function plans(client: MongoClient, databaseName: string, queries: readonly RouteQuery[]): Promise<string[]> {
  const lines: string[] = [];
  for (const { request, sent, shape } of queries) {
    lines.push(`${sent.name} ${sent.collection} ${JSON.stringify(shape)}`, `  first sent for ${request}`);
    const told = await planLines(client, databaseName, sent.command);
    lines.push(...told.map((line) => `  ${line}`));
  }
  return lines;
}

async function planLines(
  client: MongoClient,
  databaseName: string,
  command: RouteQuery['sent']['command'],
): Promise<string[]> {
  try {
    const plan = await explainCommand(client, databaseName, command, OPTIONS);
    if (!plan) return ['the server tells no plan'];
    const { returned, documentsExamined, keysExamined } = plan.cost ?? {};
    return [
      planSummary(plan),
      ...(plan.cost ? [`returned ${returned}, examined ${documentsExamined} documents and ${keysExamined} keys`] : []),
      ...planProblems(plan).map((problem) => `! ${problem}`),
    ];
  } catch (error) {
    process.exitCode = 1;
    return [`! not explained: ${(error as Error).message}`];
  }
}
