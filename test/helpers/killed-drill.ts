import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { BackupRun } from '../../src/models/backup.ts';
import { person } from './people.ts';
import { restores } from './restores.ts';
import { roster, startRoster } from './roster.ts';
import { until } from './until.ts';

/** From the first database on; a whole drill takes longer. */
const KILL_WITHIN_MS = 1_500;

/** The test of it, in so many rounds. */
export function drillsSurviveKills(rounds: number, timeoutMs: number): void {
  const trial = restores();

  it(
    `a drill that is killed ${rounds} times never counts as one that went well, and the next one clears up`,
    async () => {
      await person(trial.service);
      await trial.ship();
      await trial.backUp();
      const database = trial.source().databaseName;
      const scratches = async () =>
        (await trial.client.db().admin().listDatabases({ nameOnly: true })).databases
          .map(({ name }) => name)
          .filter((name) => name.startsWith(`${database}_drill_`));
      const env = {
        NODE_ENV: 'test',
        MONGODB_URI: trial.service.config.MONGODB_URI ?? '',
        KEYRING: trial.service.config.KEYRING ?? '',
        BACKUP_KEYS: trial.keySpec,
        BACKUP_URL: trial.url,
      };
      for (let round = 0; round < rounds; round += 1) {
        const { process: running, done } = startRoster(['backup', 'verify'], { env });
        // What the one before has left goes first.
        const before = await scratches();
        await until('it has begun', async () => (await scratches()).some((name) => !before.includes(name)));
        await pause(randomInt(KILL_WITHIN_MS));
        running.kill('SIGKILL');
        const { code } = await done;
        expect(code).not.toBe(0);
        expect(await BackupRun.countDocuments({ kind: 'drill', outcome: 'success' })).toBe(0);
        // Its lease lasts for up to a minute.
        await BackupRun.updateMany({ running: true }, { $set: { leaseUntil: new Date(0) } });
      }
      const next = await roster(['backup', 'verify', '--json'], { env });
      expect(next.code, next.stderr).toBe(0);
      expect(JSON.parse(next.stdout)).toMatchObject({ event: 'verified', problems: [] });
      expect(await scratches()).toEqual([]);
      expect(await BackupRun.countDocuments({ running: true })).toBe(0);
    },
    timeoutMs,
  );
}
