import { MongoClient } from 'mongodb';
import { type MadeUpAccount, madeUpAccount } from '../src/explain/accounts.ts';
import { applyMigrations } from '../src/migrations.ts';

export const PASSWORD = 'a password of the benchmark alone';

const BATCH = 5_000;

/** So many accounts sign in and read, in turn; more would tell nothing else. */
const SAMPLE = 2_000;

export interface BenchDatabase {
  readonly name: string;
  readonly uri: string;
  readonly accounts: number;
  /** Some of the accounts that may sign in, from all over the collection. */
  readonly people: readonly MadeUpAccount[];
  readonly admin: MadeUpAccount;
  /** Id of the account that nine tenths of the newest-first list come before. */
  readonly deepId: string;
}

/** The same server, another database. */
function uriOf(server: string, name: string): string {
  const uri = new URL(server);
  uri.pathname = `/${name}`;
  return uri.href;
}

/** Makes a migrated database of so many accounts that all have the password's hash. */
export async function seed(
  server: string,
  name: string,
  accounts: number,
  passwordHash: string,
): Promise<BenchDatabase> {
  const uri = uriOf(server, name);
  await applyMigrations(uri, () => {});
  const client = await MongoClient.connect(uri);
  const people: MadeUpAccount[] = [];
  const all: MadeUpAccount[] = [];
  try {
    for (let from = 0; from < accounts; from += BATCH) {
      const size = Math.min(BATCH, accounts - from);
      const batch = Array.from({ length: size }, (_, n) => account(from + n, accounts));
      await client
        .db()
        .collection('users')
        .insertMany(batch.map((one) => ({ ...one, passwordHash })));
      all.push(...batch);
    }
  } finally {
    await client.close();
  }
  const able = all.filter(({ status }) => status === 'active');
  const stride = Math.max(1, Math.floor(able.length / SAMPLE));
  for (let n = 1; n < able.length && people.length < SAMPLE; n += stride) {
    const person = able[n];
    if (person) people.push(person);
  }
  const [admin] = all;
  const deep = all[Math.floor(accounts / 10)];
  if (!admin || !deep) throw new Error('a database without accounts measures nothing');
  return { name, uri, accounts, people, admin, deepId: deep._id.toHexString() };
}

/** The first one is the admin. */
function account(n: number, count: number): MadeUpAccount {
  const made = madeUpAccount(n, count);
  return n === 0 ? { ...made, status: 'active', roles: ['user', 'admin'] } : made;
}

export async function drop(server: string, names: readonly string[]): Promise<void> {
  const client = await MongoClient.connect(server);
  try {
    for (const name of names) await client.db(name).dropDatabase();
  } finally {
    await client.close();
  }
}
