import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Db } from 'mongodb';
import type { ValidatorSchema } from '../../src/collections/validator.ts';
import { MIGRATIONS_DIRECTORY } from '../../src/migrations.ts';
import type { Shape } from '../../src/schema-check/shape.ts';

export interface Migration {
  up(db: Db): Promise<void>;
  down(db: Db): Promise<void>;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SHAPE_LIBRARY = pathToFileURL(join(MIGRATIONS_DIRECTORY, 'lib/shape.js')).href;

/** A directory of drafted migrations, beside the library that they import. */
export class Drafts {
  readonly #directory: string;
  #written = 0;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async make(): Promise<Drafts> {
    const directory = await mkdtemp(join(tmpdir(), 'drafts-'));
    await writeFile(join(directory, 'package.json'), '{ "type": "module" }\n');
    await cp(join(MIGRATIONS_DIRECTORY, 'lib'), join(directory, 'migrations/lib'), { recursive: true });
    const { vcs: _, $schema: __, ...rules } = JSON.parse(await readFile(join(ROOT, 'biome.json'), 'utf8'));
    await writeFile(join(directory, 'biome.json'), JSON.stringify(rules));
    return new Drafts(directory);
  }

  remove(): Promise<void> {
    return rm(this.#directory, { recursive: true });
  }

  async write(text: string): Promise<Migration> {
    this.#written += 1;
    await mkdir(join(this.#directory, 'migrations'), { recursive: true });
    const path = join(this.#directory, `migrations/draft_${this.#written}.js`);
    await writeFile(path, text);
    return import(pathToFileURL(path).href);
  }

  /** What the project's formatter and linter have to say about all that was written. */
  complaints(): string {
    const { status, stdout, stderr } = spawnSync(
      join(ROOT, 'node_modules/.bin/biome'),
      ['check', '--error-on-warnings', '--colors=off', 'migrations'],
      { cwd: this.#directory, encoding: 'utf8' },
    );
    return status === 0 ? '' : stdout + stderr;
  }
}

/** Makes a database of that shape, as a migration does. */
export async function makeShape(db: Db, shape: Shape): Promise<void> {
  const { putCollection, putIndexes } = await import(SHAPE_LIBRARY);
  for (const [name, { indexes, validator }] of shape) {
    if (validator) await putCollection(db, name, validator satisfies ValidatorSchema);
    await putIndexes(
      db,
      name,
      indexes.map(({ unique, ...index }) => ({ ...index, ...(unique && { unique }) })),
    );
  }
}

class Killed extends Error {}

/** The same database, for a process that is killed before its nth step. */
function dyingDatabase(db: Db, steps: number): Db {
  let left = steps;
  return new Proxy(db, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        left -= 1;
        if (left < 0) throw new Killed();
        return value.apply(target, args);
      };
    },
  });
}

/** @returns whether it was killed midway */
export async function isKilledAfter(steps: number, db: Db, work: (db: Db) => Promise<void>): Promise<boolean> {
  try {
    await work(dyingDatabase(db, steps));
    return false;
  } catch (error) {
    if (error instanceof Killed) return true;
    throw error;
  }
}
