import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Types } from 'mongoose';
import { afterEach, expect, it } from 'vitest';
import { openTimeline } from '../../src/backup/journal/timeline.ts';
import { transaction } from '../../src/database.ts';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { JournalShipping } from '../../src/models/journal-shipping.ts';
import { Team } from '../../src/models/team.ts';
import { restores, stateOf } from './restores.ts';

const SHIPPER = fileURLToPath(new URL('../backup/shipper.ts', import.meta.url));
/** From the first segment of a process on; each takes some milliseconds. */
const KILL_WITHIN_MS = 400;

/** The test of it, in so many rounds. */
export function shippingSurvivesKills(rounds: number, timeoutMs: number): void {
  const BACKUP_KEYS = generateKeyringSpec();
  const trial = restores(undefined, BACKUP_KEYS);
  const { keys } = trial;
  let shipper: ChildProcess | undefined;
  afterEach(() => {
    shipper?.kill('SIGKILL');
  });

  /** Writes until it is told not to, and notes what was acknowledged when. */
  async function write(acknowledged: Map<string, Date>, stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      const [_id, now] = [new Types.ObjectId(), new Date()];
      await transaction((tx) =>
        Team.create([{ _id, name: 'shipped', revision: 1, createdAt: now, updatedAt: now }], { session: tx }),
      );
      acknowledged.set(String(_id), new Date());
    }
  }

  async function killOne(acknowledged: Map<string, Date>): Promise<Date> {
    const { MONGODB_URI = '' } = trial.service.config;
    const env = { ...process.env, NODE_ENV: 'test', MONGODB_URI, BACKUP_URL: trial.url, BACKUP_KEYS };
    const child = spawn(process.execPath, ['--import', 'tsx', SHIPPER], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    shipper = child;
    const stopped = new AbortController();
    const writing = [1, 2, 3].map(() => write(acknowledged, stopped.signal));
    await once(child.stdout, 'data');
    await pause(randomInt(KILL_WITHIN_MS));
    child.kill('SIGKILL');
    await once(child, 'close');
    stopped.abort();
    await Promise.all(writing);
    const { timeline } = await JournalShipping.findOne().orFail().lean();
    return (await openTimeline(trial.storage(), timeline, new Date(0), keys)).through;
  }

  it(
    `who ships and is killed ${rounds} times has promised nothing that is not beside the backups`,
    async () => {
      await trial.ship();
      await trial.backUp();
      const acknowledged = new Map<string, Date>();
      let through = new Date(0);
      for (let round = 0; round < rounds; round += 1) {
        const reached = await killOne(acknowledged);
        // It has gone on, over whatever the one before had left.
        expect(+reached).toBeGreaterThan(+through);
        through = reached;
      }
      const { db, report } = await trial.restored();
      expect(report.moment).toEqual(through);
      const there = new Set((await db.collection('teams').distinct('_id')).map(String));
      const promised = [...acknowledged].filter(([, at]) => at < through).map(([id]) => id);
      expect(promised.length).toBeGreaterThan(5);
      expect(promised.filter((id) => !there.has(id))).toEqual([]);
      // And the next one ships the rest.
      await trial.ship();
      expect(await stateOf((await trial.restored()).db)).toEqual(await stateOf(trial.source()));
    },
    timeoutMs,
  );
}
