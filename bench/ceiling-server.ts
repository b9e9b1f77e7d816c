import argon2 from 'argon2';
import fastify from 'fastify';
import { BSON, type Document, MongoClient } from 'mongodb';
import { loadConfig } from '../src/config.ts';
import type { Find } from './capture.ts';
import type { Run } from './load.ts';

/**
 * The program of a process of its own: what the machine can do without the service. A route that does nothing, one
 * with a single `findOne`, one that sends what the service would send for each read, and password hashing alone.
 */

export interface CeilingDatabase {
  readonly name: string;
  readonly uri: string;
  /** EJSON of a list of finds for each request, by the operation's slug. */
  readonly replays: string;
}

export type Question =
  | { readonly ask: 'start'; readonly databases: readonly CeilingDatabase[] }
  | { readonly ask: 'hash'; readonly inFlight: number; readonly amount: number };

export type Answer = { readonly origin: string } | { readonly run: Run } | { readonly problem: string };

const app = fastify();

app.get('/bare', () => ({
  id: '665f1c2e9b1e8a0012345678',
  email: 'ada@example.com',
  firstName: 'Ada',
  roles: ['user'],
}));

async function serve({ name, uri, replays }: CeilingDatabase): Promise<void> {
  const db = (await MongoClient.connect(uri, { maxPoolSize: 50 })).db();
  const operations: Record<string, Find[][]> = BSON.EJSON.parse(replays);
  let count = 0;
  const send = ({ collection, filter, options }: Find): Promise<Document[]> =>
    db.collection(collection).find(filter, options).toArray();

  const [anyRead = []] = Object.values(operations).map((requests) => requests.map((finds) => finds.at(-1)));
  app.get(`/${name}/find-one`, () => {
    const { collection = '', filter = {} } = anyRead[count++ % anyRead.length] ?? {};
    return db.collection(collection).findOne(filter);
  });
  for (const [operation, requests] of Object.entries(operations)) {
    app.get(`/${name}/${operation}`, async () => {
      let found: Document[] = [];
      for (const find of requests[count++ % requests.length] ?? []) found = await send(find);
      return found;
    });
  }
}

/** As many hashes as are asked for, with the service's own parameters, `inFlight` of them at a time. */
async function hash(inFlight: number, amount: number): Promise<Run> {
  const { ARGON2_MEMORY_KIB, ARGON2_PASSES, ARGON2_PARALLELISM } = loadConfig({});
  const latencies: number[] = [];
  let left = amount;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const started = performance.now();
      await argon2.hash('a password of the benchmark alone', {
        type: argon2.argon2id,
        memoryCost: ARGON2_MEMORY_KIB,
        timeCost: ARGON2_PASSES,
        parallelism: ARGON2_PARALLELISM,
      });
      latencies.push(performance.now() - started);
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: inFlight }, worker));
  return { seconds: (performance.now() - started) / 1000, latencies };
}

async function answer(question: Question): Promise<Answer> {
  if (question.ask === 'hash') return { run: await hash(question.inFlight, question.amount) };
  for (const database of question.databases) await serve(database);
  return { origin: await app.listen({ host: '127.0.0.1', port: 0 }) };
}

process.on('message', (question: Question) => {
  void answer(question)
    .catch((error: Error) => ({ problem: error.message }))
    .then((reply) => process.send?.(reply));
});
/** Whoever asks is gone. */
process.on('disconnect', () => process.exit());
