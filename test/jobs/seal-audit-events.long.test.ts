import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { verifyAuditTrail } from '../../src/audit/verify.ts';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { JobState } from '../../src/models/job.ts';
import { buildTestApp, freshDatabaseUri, type TestApp } from '../helpers/app.ts';
import { trail, writeEvents } from '../helpers/audit.ts';
import { DatabaseProxy, type Fate } from '../helpers/database-proxy.ts';
import { useServiceProcesses } from '../helpers/service-process.ts';
import { until } from '../helpers/until.ts';

const KEYRING = generateKeyringSpec();

const processes = useServiceProcesses();
vi.setConfig({ testTimeout: 180_000 });

let service: TestApp;
let proxy: DatabaseProxy;
beforeAll(async () => {
  const MONGODB_URI = freshDatabaseUri();
  service = await buildTestApp({ MONGODB_URI, KEYRING });
  proxy = await DatabaseProxy.open(MONGODB_URI);
});
afterAll(async () => {
  await service.close();
  proxy.close();
});

const verify = () => verifyAuditTrail({ keyring: service.deps.keyring });
const waiting = () => trail().events.countDocuments({ sealId: null as never });
const start = async () => {
  const running = processes.run({ MONGODB_URI: proxy.uri, KEYRING, NODE_ENV: 'test' });
  await running.address();
  return running;
};
/** As if the lease of whoever was killed had run out. */
const endLease = () => JobState.updateOne({ _id: 'seal-audit-events' }, { $set: { leaseUntil: new Date(0) } });

it('an event is sealed within five seconds', async () => {
  const { child, ended } = await start();
  for (let n = 0; n < 3; n += 1) {
    await writeEvents(service, 5);
    const started = Date.now();
    await until('all are sealed', async () => (await waiting()) === 0);
    expect(Date.now() - started).toBeLessThan(5_000);
  }
  child.kill('SIGTERM');
  await ended;
});

describe('a sealer that is killed', () => {
  it.each([
    ['before its seal arrives', 'insert audit_seals', 'held back'],
    ['between the seal and the events', 'update audit_events', 'held back'],
    ['before it commits', 'commitTransaction', 'held back'],
    ['after it has committed, before it hears of it', 'commitTransaction', 'unanswered'],
  ] as const)('%s leaves nothing half done, and the next one goes on', async (_when, at, fate: Fate) => {
    const { child, ended } = await start();
    await until('nothing waits', async () => (await waiting()) === 0);
    const before = (await verify()).verified;
    let seals = false;
    let stuck = false;
    proxy.rule = (command) => {
      seals ||= command === 'insert audit_seals';
      if (!seals || (command !== at && !stuck)) return 'passed on';
      // What the driver tries again goes nowhere.
      const first = !stuck;
      stuck = true;
      return first ? fate : 'held back';
    };
    await writeEvents(service, 20);
    await until('it is midway', () => stuck);
    child.kill('SIGKILL');
    await ended;
    proxy.mend();
    proxy.rule = () => 'passed on';
    const midway = await verify();
    expect(midway.verified.findings).toBe(0);
    expect(midway.unsealed).toBe(fate === 'unanswered' ? 0 : 20);
    await endLease();
    const next = await start();
    await until('all are sealed', async () => (await waiting()) === 0, 60_000);
    next.child.kill('SIGTERM');
    await next.ended;
    const { verified } = await verify();
    expect(verified.findings).toBe(0);
    expect(verified.events).toBeGreaterThanOrEqual(before.events + 20);
  });
});
