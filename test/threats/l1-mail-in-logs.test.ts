// L1: secrets of mail that are written down. Elsewhere links, codes and addresses stood in the log of whatever sent the
// mail, in the error of the mail server that refused it, or in the database until somebody read it there. Here every
// mail is delivered, put off, refused and given up at the most talkative level, by SMTP and into files, and nothing of
// it is in a log line, a metric, or, in clear, in the database.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { transaction } from '../../src/database.ts';
import { openMail } from '../../src/mail.ts';
import { enqueueMail, Outbox } from '../../src/models/outbox.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { MailServer } from '../helpers/mail-server.ts';
import { exampleMails } from '../helpers/mails.ts';
import { dump } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';

const TO = 'canary.addressee@example.com';
const NAME = 'canary-of-a-name';
const PASSWORD = 'canary-of-a-password';
/** Of the mails themselves, their addressee, and the credentials that they are sent with. */
const SECRETS = ['s3cr3t', '482913', 'canary', 'accounts.example.com', '203.0.113.7'];
const MAILS = exampleMails(TO, NAME);

const directory = mkdtempSync(join(tmpdir(), 'roster-mail-'));
let server: MailServer;
let service: TestApp;
const instances: TestApp[] = [];
beforeAll(async () => {
  server = await MailServer.open({
    onAuth: ({ password }, _session, done) => {
      if (password === PASSWORD) return done(null, { user: 'roster' });
      done(new Error(`no such password: ${password}`));
    },
  });
  service = await buildTestApp({ LOG_LEVEL: 'trace', DATA_DIRECTORY: directory });
});
afterAll(async () => {
  await service.close();
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Puts one mail of each kind into the outbox, and lets an instance try until all have been. */
async function deliver(environment: Record<string, string>): Promise<void> {
  const instance = await service.another(environment);
  instances.push(instance);
  await transaction(async (tx) => {
    for (const mail of MAILS) await enqueueMail(tx, service.deps.keyring, mail);
  });
  const mail = openMail(instance.app);
  mail.start();
  const waiting = { sentAt: { $exists: false }, failure: { $exists: false } };
  await until('all have been tried', async () => (await Outbox.countDocuments(waiting)) === 0);
  await mail.stop();
}

const logs = () => instances.map(({ log }) => log()).join('');
const found = (text: string): string[] => SECRETS.filter((secret) => text.includes(secret));

it('nothing of a mail is in the log, whatever becomes of it', async () => {
  const SMTP_URL = `smtp://roster:${PASSWORD}@127.0.0.1:${server.port}`;
  await deliver({ SMTP_URL });
  expect(server.received).toHaveLength(MAILS.length);
  server.onRecipient = () => 450;
  await deliver({ SMTP_URL });
  server.onRecipient = () => 550;
  await deliver({ SMTP_URL });
  server.onRecipient = () => undefined;
  server.onMessage = () => 554;
  await deliver({ SMTP_URL });
  server.onMessage = () => 451;
  await deliver({ SMTP_URL });
  await deliver({ SMTP_URL: SMTP_URL.replace(PASSWORD, 'canary-of-a-wrong-password') });
  await deliver({});
  // It is told of all the same: who wants to know more has the id.
  const lines = instances.flatMap(({ logged }) => logged());
  for (const msg of ['mail sent', 'mail not sent, will be tried again', 'mail given up', 'mail written to a file'])
    expect(lines.filter((line) => line['msg'] === msg).length, msg).toBeGreaterThanOrEqual(MAILS.length);
  expect(lines.find((line) => line['msg'] === 'mail given up')).toMatchObject({
    level: 'error',
    template: expect.any(String),
    mail: expect.stringMatching(/^[0-9a-f]{24}$/),
    attempts: 1,
    code: expect.stringMatching(/^E[A-Z]+ 55\d$/),
  });
  expect(found(logs())).toEqual([]);
  // A hundred mails, most of them with a TLS handshake of their own.
}, 120_000);

it('nor in what is measured', async () => {
  const texts = await Promise.all(instances.map(({ app }) => app.metrics.registry.metrics()));
  expect(texts.join('')).toContain('roster_mails_total{template="magic-link",outcome="sent"} 1');
  expect(found(texts.join(''))).toEqual([]);
});

it('nor, in clear, in the database', async () => {
  const stored = await dump();
  expect(await Outbox.countDocuments({ failedAt: { $exists: true } })).toBeGreaterThan(0);
  expect(stored).toContain('EENVELOPE 550');
  expect(found(stored)).toEqual([]);
});
