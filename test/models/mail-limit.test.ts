// V4: a mailbox flooded by mail that anybody can ask for. Elsewhere resets, verifications and codes were limited by the
// address of whoever asked, or in the memory of one instance, so that a few machines filled a victim's mailbox and the
// sender lost its good name; or the limit swallowed the warnings too. Here each account and each mailbox is sent so many
// in a while, over all instances, and what tells of a change always leaves.

import { Types } from 'mongoose';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { MAIL_TEMPLATES, type MailTemplate } from '../../src/lib/mail/messages.ts';
import { mayMail } from '../../src/models/mail-limit.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { stopTheClock } from '../helpers/clock.ts';
import { commandsOf } from '../helpers/commands.ts';
import { inParallel } from '../helpers/parallel.ts';
import { dump, freshEmail } from '../helpers/people.ts';

stopTheClock();

let instances: TestApp[];
beforeAll(async () => {
  const first = await buildTestApp();
  instances = [first, await first.another()];
});
afterAll(() => instances[0]?.close());

/** How many of thirty at once may be sent, asked for at both instances. */
async function allowed(whom: Types.ObjectId | string, template: MailTemplate): Promise<number> {
  const answers = await inParallel(instances, 30, ({ deps }) => mayMail(deps.keyring, whom, template));
  return answers.filter(Boolean).length;
}

/** How many in how many minutes. */
const LIMITS: Partial<Record<MailTemplate, readonly [max: number, minutes: number]>> = {
  'verify-email': [5, 60],
  'sign-up-again': [3, 60],
  'reset-password': [3, 30],
  'choose-password': [5, 60],
  'confirm-new-email': [5, 60],
  'magic-link': [3, 15],
  'team-invitation': [10, 24 * 60],
};
const limited = Object.entries(LIMITS).map(([name, [max, minutes]]) => [name as MailTemplate, max, minutes] as const);

it.each(limited)(
  '%s is sent to a mailbox %d times in %d minutes, however many ask at once',
  async (name, max, minutes) => {
    const email = freshEmail();
    expect(await allowed(email, name)).toBe(max);
    expect(await allowed(email, name)).toBe(0);
    // Nobody else's.
    expect(await allowed(freshEmail(), name)).toBe(max);
    vi.setSystemTime(Date.now() + minutes * 60_000);
    expect(await allowed(email, name)).toBe(max);
  },
);

it('an account that writes to ever new mailboxes is limited by itself', async () => {
  expect(await allowed(new Types.ObjectId(), 'confirm-new-email')).toBe(5);
});

it('one kind does not use up another', async () => {
  const email = freshEmail();
  expect(await allowed(email, 'verify-email')).toBe(5);
  expect(await allowed(email, 'reset-password')).toBe(3);
});

it('what tells of a change always leaves, and nothing is counted for it', async () => {
  const email = freshEmail();
  const notices = MAIL_TEMPLATES.filter((template) => !(template in LIMITS));
  expect(notices).toHaveLength(17);
  const commands = await commandsOf(async () => {
    for (const template of notices) expect(await allowed(email, template), template).toBe(30);
  });
  expect(commands).toEqual([]);
});

it('the counters name nobody', async () => {
  const email = freshEmail('flooded');
  const id = new Types.ObjectId();
  await allowed(email, 'magic-link');
  await allowed(id, 'magic-link');
  const stored = await dump();
  expect(stored).toContain('mail-magic-link');
  expect(stored).not.toContain(email);
  expect(stored).not.toContain(id.toHexString());
});
