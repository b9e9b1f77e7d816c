import type { Db, MongoClient } from 'mongodb';
import type { Say } from '../embedded/say.ts';
import { appliedMigrations, migrateDown, migrateUp, shippedMigrations } from '../migrations.ts';
import { changes, differences } from '../schema-check/compare.ts';
import { copyDatabase } from './copy.ts';
import { withScratchDatabase } from './scratch.ts';
import { type DocumentChanges, documentChanges, type Snapshot, takeSnapshot } from './snapshot.ts';

export interface RehearsalStep {
  readonly direction: 'up' | 'down';
  readonly migrations: readonly string[];
  readonly milliseconds: number;
  readonly documents: readonly DocumentChanges[];
  /** What became of collections, indexes and validators, one line each. */
  readonly shape: readonly string[];
}

export interface Rehearsal {
  readonly documentsCopied: number;
  readonly steps: readonly RehearsalStep[];
  /** Why the migrations are not to be trusted; empty when they are. */
  readonly problems: readonly string[];
}

interface Options {
  /** How many of the newest migrations to undo and redo; by default those that are pending, and at least one. */
  readonly steps?: number | undefined;
  readonly sampleSize?: number | undefined;
}

/**
 * Tries migrations on a copy, in a scratch database on the same server: up with what is pending, down again, up again.
 * @throws when a migration fails; the copy is dropped all the same
 */
export function rehearse(client: MongoClient, databaseName: string, options: Options, say: Say): Promise<Rehearsal> {
  return withScratchDatabase(client, databaseName, 'rehearsal', async (scratch) => {
    say(`Copying "${databaseName}" to "${scratch.databaseName}"`);
    const documentsCopied = await copyDatabase(client.db(databaseName), scratch, options.sampleSize);
    const run = new Run(client, scratch, say);
    const original = await run.look();
    const pending = await pendingIn(scratch);
    const upgraded = pending.length > 0 ? await run.up() : original;
    const steps = await stepsToUndo(scratch, options.steps ?? Math.max(1, pending.length));
    const downgraded = await run.down(steps);
    const again = await run.up();
    const problems = problemsOf('after up, down and up', upgraded, again);
    // Only when exactly what was pending was undone is the original what has to come back.
    if (steps === pending.length) problems.unshift(...problemsOf('after up and down', original, downgraded));
    return { documentsCopied, steps: run.steps, problems };
  });
}

async function pendingIn(db: Db): Promise<string[]> {
  const applied = await appliedMigrations(db);
  return (await shippedMigrations()).filter((file) => !applied.includes(file));
}

async function stepsToUndo(db: Db, wanted: number): Promise<number> {
  const applied = await appliedMigrations(db);
  return Math.min(wanted, (await shippedMigrations()).filter((file) => applied.includes(file)).length);
}

/** A migration may change documents; what it must not do is lose one, or leave another shape behind. */
function problemsOf(when: string, before: Snapshot, after: Snapshot): string[] {
  const lost = documentChanges(before, after).filter(({ removed }) => removed > 0);
  return [
    ...differences(before.shape, after.shape).map((line) => `${when}: ${line}`),
    ...lost.map(({ collection, removed }) => `${when}: ${collection}: ${removed} documents are gone`),
  ];
}

/** The steps so far, and the state that the last one left. */
class Run {
  readonly steps: RehearsalStep[] = [];
  readonly #client: MongoClient;
  readonly #db: Db;
  readonly #say: Say;
  #last: Snapshot | undefined;

  constructor(client: MongoClient, db: Db, say: Say) {
    this.#client = client;
    this.#db = db;
    this.#say = say;
  }

  async look(): Promise<Snapshot> {
    this.#last = await takeSnapshot(this.#db);
    return this.#last;
  }

  up(): Promise<Snapshot> {
    return this.#step('up', () => migrateUp(this.#client, this.#db, this.#say));
  }

  down(count: number): Promise<Snapshot> {
    return this.#step('down', async () => {
      const undone: string[] = [];
      while (undone.length < count) undone.push(...(await migrateDown(this.#client, this.#db, this.#say)));
      return undone;
    });
  }

  async #step(direction: 'up' | 'down', migrate: () => Promise<string[]>): Promise<Snapshot> {
    this.#say(`Migrating ${direction}`);
    const before = this.#last ?? (await this.look());
    const started = performance.now();
    const migrations = await migrate();
    const milliseconds = Math.round(performance.now() - started);
    const after = await this.look();
    const documents = documentChanges(before, after);
    this.steps.push({ direction, migrations, milliseconds, documents, shape: changes(before.shape, after.shape) });
    return after;
  }
}
