import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SignInFailures } from '../../src/models/sign-in-failures.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { stopTheClock } from '../helpers/clock.ts';

stopTheClock();
let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());

const attempt = (email: string, ip = '192.0.2.1', device?: Buffer) => ({ email, ip, device });

const failures = (max: number, delayMs: number) =>
  new SignInFailures(service.deps.keyring, { SIGN_IN_FAILURES: max, SIGN_IN_DELAY_MS: delayMs });

describe('the answer to a failure', () => {
  it('is held back longer each time, before it is refused', async () => {
    const counter = failures(20, 500);
    const lanes = counter.lanesOf(attempt('grows@example.com'));
    const delays: number[] = [];
    for (let n = 0; n < 10; n++) delays.push(await counter.count(lanes));
    expect(delays).toEqual([0, 0, 0, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
    await expect(counter.count(lanes)).rejects.toMatchObject({ code: 'rate-limited' });
  });

  it('comes at once where the operator says so', async () => {
    const counter = failures(20, 0);
    const lanes = counter.lanesOf(attempt('quick@example.com'));
    for (let n = 0; n < 8; n++) expect(await counter.count(lanes)).toBe(0);
  });

  it('is counted on by another instance', async () => {
    const email = 'shared@example.com';
    const [here, there] = [failures(20, 500), failures(20, 500)];
    for (const counter of [here, there, here]) expect(await counter.count(counter.lanesOf(attempt(email)))).toBe(0);
    expect(await there.count(there.lanesOf(attempt(email)))).toBe(500);
  });
});

it('what the narrow lane refuses takes no try from the wide one', async () => {
  const counter = failures(4, 0);
  const stranger = counter.lanesOf(attempt('wide@example.com', '192.0.2.1'));
  await counter.count(stranger);
  await counter.count(stranger);
  for (let n = 0; n < 5; n++) await expect(counter.count(stranger)).rejects.toMatchObject({ code: 'rate-limited' });
  const elsewhere = counter.lanesOf(attempt('wide@example.com', '192.0.2.2'));
  await counter.assertNotExhausted(elsewhere);
  await counter.count(elsewhere);
  await counter.count(elsewhere);
  await expect(
    counter.assertNotExhausted(counter.lanesOf(attempt('wide@example.com', '192.0.2.3'))),
  ).rejects.toMatchObject({ code: 'rate-limited' });
});

it('holds answers back for as long as it says', async () => {
  const counter = failures(4, 500);
  let held = true;
  const waiting = counter.holdBack(30).then(() => {
    held = false;
  });
  await Promise.resolve();
  expect(held).toBe(true);
  await waiting;
});
