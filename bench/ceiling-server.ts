import { randomUUID } from 'node:crypto';
import argon2 from 'argon2';
import fastify from 'fastify';
import { BSON, type Db, type Document, MongoClient, ObjectId } from 'mongodb';
import { loadConfig } from '../src/config.ts';
import type { Find, Replays, Step } from './capture.ts';
import type { Run } from './load.ts';

/**
 * The program of a process of its own: what the machine can do without the service. A route that does nothing, one
 * with a single `findOne`, one that sends what the service would send for each operation, and password hashing alone.
 */

export interface CeilingDatabase {
  readonly name: string;
  readonly uri: string;
  /** `Replays` as EJSON. */
  readonly replays: string;
}

export type Question =
  | { readonly ask: 'start'; readonly databases: readonly CeilingDatabase[] }
  | { readonly ask: 'hash'; readonly inFlight: number; readonly amount: number };

export type Answer = { readonly origin: string } | { readonly run: Run } | { readonly problem: string };

const CONFIG = loadConfig({});

const app = fastify();

app.get('/bare', () => ({
  id: '665f1c2e9b1e8a0012345678',
  email: 'ada@example.com',
  firstName: 'Ada',
  roles: ['user'],
}));

async function serve({ name, uri, replays }: CeilingDatabase): Promise<void> {
  const client = await MongoClient.connect(uri, { maxPoolSize: 50, writeConcern: { w: 'majority', journal: true } });
  const db = client.db();
  const { reads, writes }: Replays = BSON.EJSON.parse(replays);
  let count = 0;
  const read = async (steps: readonly (Find | Step)[]): Promise<Document[]> => {
    let found: Document[] = [];
    for (const step of steps.filter(isFind))
      found = await db.collection(step.collection).find(step.filter, step.options).toArray();
    const records = steps.filter((step) => !isFind(step)) as Step[];
    if (records.length > 0) await repeat(client, db, records);
    return found;
  };

  const [anyRead = []] = Object.values(reads).map((requests) => requests.map((steps) => steps.filter(isFind).at(-1)));
  app.get(`/${name}/find-one`, () => {
    const { collection = '', filter = {} } = anyRead[count++ % anyRead.length] ?? {};
    return db.collection(collection).findOne(filter);
  });
  for (const [operation, requests] of Object.entries(reads)) {
    app.get(`/${name}/${operation}`, () => read(requests[count++ % requests.length] ?? []));
  }
  for (const [operation, requests] of Object.entries(writes)) {
    app.get(`/${name}/${operation}`, async () => {
      await hashOnce();
      await repeat(client, db, requests[count++ % requests.length] ?? []);
      return {};
    });
  }
}

const isFind = (step: Find | Step): step is Find => 'collection' in step;

async function repeat(client: MongoClient, db: Db, steps: readonly Step[]): Promise<void> {
  for (const { command } of steps.filter((step) => !step.inTransaction)) await db.command(asNew(command));
  await client.withSession((session) =>
    session.withTransaction(
      async () => {
        for (const { command } of steps.filter((step) => step.inTransaction))
          await db.command(asNew(command), { session });
      },
      { readConcern: { level: 'snapshot' } },
    ),
  );
}

/** What a document has that no other one may have. */
const UNIQUE = ['email', 'hash', 'refreshTokenHash'];

/** The same with documents that are not there yet. */
function asNew(command: Document): Document {
  const documents = command['documents'] as Document[] | undefined;
  if (!documents) return command;
  const renewed = documents.map((document) => ({
    ...document,
    _id: new ObjectId(),
    ...Object.fromEntries(UNIQUE.filter((field) => field in document).map((field) => [field, randomUUID()])),
  }));
  return { ...command, documents: renewed };
}

function hashOnce(): Promise<string> {
  const { ARGON2_MEMORY_KIB, ARGON2_PASSES, ARGON2_PARALLELISM } = CONFIG;
  return argon2.hash('a password of the benchmark alone', {
    type: argon2.argon2id,
    memoryCost: ARGON2_MEMORY_KIB,
    timeCost: ARGON2_PASSES,
    parallelism: ARGON2_PARALLELISM,
  });
}

/** As many hashes as are asked for, with the service's own parameters, `inFlight` of them at a time. */
async function hash(inFlight: number, amount: number): Promise<Run> {
  const latencies: number[] = [];
  let left = amount;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const started = performance.now();
      await hashOnce();
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
