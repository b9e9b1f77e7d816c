import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { recordAuditEvent } from '../../src/models/audit-event.ts';
import { toId } from '../../src/models/ids.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { newTrail, sealAll, sealingOptions, trail, writeEvents } from '../helpers/audit.ts';
import { type Outcome, roster } from '../helpers/roster.ts';

// Each command is a process of its own.
vi.setConfig({ testTimeout: 60_000 });

const KEYRING = generateKeyringSpec();
const directory = mkdtempSync(join(tmpdir(), 'roster-audit-'));

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp({ KEYRING });
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await service.close();
});
beforeEach(newTrail);

const audit = (...args: string[]): Promise<Outcome> =>
  roster(['audit', ...args], { env: { MONGODB_URI: String(service.config.MONGODB_URI), KEYRING } });

const written = async (amount: number) => {
  const ids = await writeEvents(service, amount);
  await sealAll(sealingOptions(service));
  return ids;
};
const lines = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

describe('roster audit verify', () => {
  it('says that nothing was tampered with, and what to note', async () => {
    await written(3);
    await writeEvents(service, 1);
    const { code, stdout } = await audit('verify');
    const [, head = ''] = /The newest seal is (1:[\w-]{43})\n/.exec(stdout) ?? [];
    expect(stdout).toContain('Looked at 3 events of 1 seals. 1 more wait for their seal.\n');
    expect(stdout).toContain('Nothing was tampered with.');
    expect(code).toBe(0);
    expect((await audit('verify', '--head', head)).code).toBe(0);
    await newTrail();
    await written(1);
    const replaced = await audit('verify', '--head', head);
    expect([replaced.code, replaced.stdout]).toEqual([1, expect.stringContaining('head-replaced: seal 1.')]);
  });

  it('names what was tampered with, and fails', async () => {
    const [one, other] = await written(3);
    await trail().events.deleteOne({ _id: one as never });
    await trail().events.updateOne({ _id: other as never }, { $set: { outcome: 'success' } });
    const { code, stdout } = await audit('verify');
    expect(stdout).toContain('TAMPERED WITH: 2 findings.');
    expect(stdout).toContain(`event-deleted: seal 1, event ${one}. An event that was sealed is gone`);
    expect(stdout).toContain(`event-altered: seal 1, event ${other}.`);
    expect(code).toBe(1);
    const json = await audit('verify', '--json');
    expect([json.code, JSON.parse(json.stdout)]).toMatchObject([1, { valid: false, findingCount: 2, seals: 1 }]);
  });

  it('takes no head that is none', async () => {
    expect(await audit('verify', '--head', '12')).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('roster audit export', () => {
  it('writes what is sealed, a line each, with the personal values, and goes on where it was', async () => {
    const userAgent = 'curl/8\nX-Forged: {"action":"none"}\u2028';
    const event = { action: 'session.created', outcome: 'failure', target: { collection: 'users' } } as const;
    const origin = { actor: { type: 'anonymous' }, ip: '192.0.2.9', userAgent, keyring: service.deps.keyring } as const;
    await recordAuditEvent(undefined, origin, event);
    await sealAll(sealingOptions(service));
    const first = await audit('export');
    expect(first.stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(lines(first.stdout)).toMatchObject([
      { action: 'session.created', outcome: 'failure', ip: '192.0.2.9', userAgent, sealId: 1 },
    ]);
    expect(first.stderr).toContain('Exported 1 events. Go on with --after 1');
    const [id] = await written(1);
    const next = lines((await audit('export', '--after', '1')).stdout);
    // The export before has been recorded, and is sealed with it.
    expect(next.map(({ action }) => action).sort()).toEqual(['audit.exported', 'session.created']);
    expect(next.map((each) => each.id)).toContain(String(id));
  });

  it('writes a period into a file that only its owner reads', async () => {
    await written(2);
    const file = join(directory, 'audit.ndjson');
    const day = new Date().toISOString().slice(0, 10);
    expect((await audit('export', '--from', day, '--output', file)).code).toBe(0);
    expect(lines(readFileSync(file, 'utf8'))).toHaveLength(2);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await audit('export', '--to', '2020-01-01T00:00:00Z')).stdout).toBe('');
  });

  it.each([
    ['--from', 'yesterday'],
    ['--after', '-1'],
    ['--after', '7'],
    ['--output', directory],
  ])('refuses %s %s', async (option, value) => {
    expect(await audit('export', `${option}=${value}`)).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('roster audit report', () => {
  const admin = 'a'.repeat(24);
  const read = (n: number) =>
    recordAuditEvent(
      undefined,
      { actor: { type: 'user', id: toId(admin) } },
      { action: 'user.read', target: { collection: 'users', id: toId(String(n).padStart(24, '0')) } },
    );

  it('tells who read what, and what is out of the ordinary', async () => {
    for (let n = 0; n < 101; n += 1) await read(n);
    await read(0);
    const { code, stdout } = await audit('report');
    expect(stdout).toMatch(new RegExp(`^${admin} +102 +101 +0 +0 +\\d{4}-\\S+Z \\(\\d+\\)$`, 'm'));
    expect(stdout).toContain(`${admin}  first-bulk: 101, else 0 (more than 100 people on one day`);
    expect(code).toBe(0);
    const json = JSON.parse((await audit('report', '--json')).stdout);
    expect(json.actors[0]).toMatchObject({ actor: admin, reads: 102, people: 101, unusual: [{ rule: 'first-bulk' }] });
    // Who asks reads the trail.
    expect(json.actors[1]).toMatchObject({ actor: 'operator', reads: 2 });
  });

  it('tells nothing of a period in which nothing was read', async () => {
    await read(1);
    const { code, stdout } = await audit('report', '--from', '2020-01-01', '--to', '2020-01-31');
    expect([code, stdout]).toEqual([0, 'Nobody read anything about others.\n']);
    for (const args of [
      ['--from', 'x'],
      ['--from', '2020-02-01', '--to', '2020-01-01'],
    ])
      expect((await audit('report', ...args)).code).toBe(2);
  });
});
