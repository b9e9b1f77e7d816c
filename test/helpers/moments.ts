import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Types } from 'mongoose';
import { expect, it } from 'vitest';
import { transaction } from '../../src/database.ts';
import { Credential } from '../../src/models/credential.ts';
import { Team } from '../../src/models/team.ts';
import { User } from '../../src/models/user.ts';
import { storedAccount } from './backups.ts';
import { restores, type State, stateOf } from './restores.ts';
import { until } from './until.ts';

const WRITERS = 4;
const ACCOUNTS = 40;

/**
 * Changes accounts all the time, each change in two collections at once: number `n` of an account is the same in both,
 * whatever moment they are looked at. Each account has one writer, so that its numbers come in their order; what they
 * get in each other's way about are teams and recovery codes.
 */
class Load {
  readonly #accounts: readonly Types.ObjectId[];
  #n = 0;
  #paused: Promise<void> | undefined;
  #stopped = false;
  #idle = 0;
  /** Why it has ended by itself. */
  failure: unknown;
  /** The last number that was acknowledged, and the last that was begun. */
  acknowledged = new Map<string, number>();

  constructor(accounts: readonly Types.ObjectId[]) {
    this.#accounts = accounts;
  }

  get changes(): number {
    return this.#n;
  }

  async write(writer: number): Promise<void> {
    const own = this.#accounts.filter((_, index) => index % WRITERS === writer);
    while (!this.#stopped && this.failure === undefined) {
      if (this.#paused) {
        this.#idle += 1;
        await this.#paused;
        this.#idle -= 1;
      }
      await this.#change(own).catch((error: unknown) => {
        this.failure = error;
      });
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  /** What `work` sees, nobody changes. */
  async quietly<T>(work: () => Promise<T>): Promise<T> {
    let resume = (): void => {};
    this.#paused = new Promise((resolve) => {
      resume = resolve;
    });
    try {
      await until('all writers wait', async () => this.failure !== undefined || this.#idle === WRITERS);
      expect(this.failure).toBeUndefined();
      return await work();
    } finally {
      this.#paused = undefined;
      resume();
    }
  }

  async #change(own: readonly Types.ObjectId[]): Promise<void> {
    this.#n += 1;
    const n = this.#n;
    const _id = own[randomInt(own.length)] as Types.ObjectId;
    await transaction(async (tx) => {
      const options = { session: tx };
      await User.updateOne({ _id }, { $set: { firstName: `n${n}` } }, options);
      await Credential.collection.updateOne({ userId: _id, type: 'totp' }, { $set: { name: `n${n}` } }, options);
      const now = new Date();
      if (n % 5 === 0) await Team.create([{ name: `Team ${n}`, revision: 1, createdAt: now, updatedAt: now }], options);
      if (n % 7 === 0) await Team.collection.deleteOne({}, options);
      if (n % 11 === 0) await Credential.collection.deleteMany({ type: 'recovery-code' }, options);
      if (n % 11 === 5)
        await Credential.collection.insertOne(
          {
            _id: new Types.ObjectId(),
            userId: _id,
            type: 'recovery-code',
            createdAt: new Date(),
          } as never,
          options,
        );
    });
    this.acknowledged.set(String(_id), n);
  }
}

interface Noted {
  readonly at: Date;
  readonly state: State;
}

/** The test of it, with so many moments: half of them are looked at while nobody writes, all others whenever they come. */
export function momentsAreRestored(moments: number, timeoutMs: number): void {
  const trial = restores();

  it(
    `the state of each of ${moments} moments under load is restored, exactly`,
    async () => {
      const accounts = Array.from({ length: ACCOUNTS }, (_, n) =>
        storedAccount(`m${n}@example.com`, { firstName: 'n0' }),
      );
      await User.collection.insertMany(accounts as never);
      await Credential.collection.insertMany(
        accounts.map(({ _id }) => ({
          _id: new Types.ObjectId(),
          userId: _id,
          type: 'totp',
          name: 'n0',
          createdAt: new Date(),
        })) as never,
      );
      // The first one of all: its line of segments begins with it.
      await trial.backUp();
      const load = new Load(accounts.map(({ _id }) => _id as Types.ObjectId));
      const writing = Promise.all(Array.from({ length: WRITERS }, (_, writer) => load.write(writer)));
      const noted: Noted[] = [];
      const passed: { at: Date; acknowledged: ReadonlyMap<string, number>; begun: number }[] = [];
      for (let n = 0; n < moments; n += 1) {
        await pause(40 + randomInt(60));
        // Backups and segments are made while all this goes on.
        if (n % 4 === 1) await trial.backUp();
        else await trial.ship();
        if (n % 2 === 0)
          noted.push(
            await load.quietly(async () => {
              await pause(3);
              const at = new Date();
              await pause(3);
              return { at, state: await stateOf(trial.source()) };
            }),
          );
        else {
          const acknowledged = new Map(load.acknowledged);
          await pause(2);
          passed.push({ at: new Date(), acknowledged, begun: load.changes });
        }
      }
      load.stop();
      await writing;
      await trial.ship();
      expect(load.changes).toBeGreaterThan(moments);
      for (const { at, state } of noted) expect(await stateOf((await trial.restored({ to: at })).db)).toEqual(state);
      for (const { at, acknowledged, begun } of passed) {
        const { db } = await trial.restored({ to: at });
        for (const { _id, firstName } of await db.collection('users').find().toArray()) {
          const number = Number(String(firstName).slice(1));
          expect(number).toBeGreaterThanOrEqual(acknowledged.get(String(_id)) ?? 0);
          expect(number).toBeLessThanOrEqual(begun + WRITERS);
          const totp = await db.collection('credentials').findOne({ userId: _id, type: 'totp' });
          expect(totp?.['name'], 'whole or not at all').toBe(firstName);
        }
      }
    },
    timeoutMs,
  );
}
