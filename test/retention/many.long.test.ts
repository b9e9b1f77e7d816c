import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { User } from '../../src/models/user.ts';
import { retentionRules } from '../../src/retention/rules.ts';
import { runRetention } from '../../src/retention/run.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { freshEmail } from '../helpers/people.ts';

const DAY_MS = 86_400_000;

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());

describe('deleted accounts', () => {
  it('of which there are many go in one run, and a stopped run leaves the rest for the next', async () => {
    const purgeAt = new Date(Date.now() - DAY_MS);
    const dead = Array.from({ length: 120 }, () => ({
      email: freshEmail(),
      status: 'deleted' as const,
      deletedAt: purgeAt,
      purgeAt,
      createdAt: purgeAt,
      updatedAt: purgeAt,
    }));
    await User.insertMany(dead);
    const stopping = new AbortController();
    const rules = retentionRules(service.config, service.deps.keyring);
    const stopped = runRetention(rules, stopping.signal);
    stopping.abort();
    const before = (await stopped)['deleted-accounts'] ?? 0;
    expect((await runRetention(rules, new AbortController().signal))['deleted-accounts']).toBe(120 - before);
    expect(await User.countDocuments({ status: 'deleted', purgeAt: { $lte: new Date() } })).toBe(0);
  });
});
