import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { simpleParser } from 'mailparser';
import mongoose from 'mongoose';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../src/config.ts';
import { connect, disconnect, transaction } from '../src/database.ts';
import { generateKeyringSpec, parseKeyring } from '../src/lib/keyring.ts';
import { applyMigrations } from '../src/migrations.ts';
import { enqueueMail, Outbox } from '../src/models/outbox.ts';
import { MailServer } from './helpers/mail-server.ts';
import { onlyRecord } from './helpers/mail-worker.ts';
import { freshEmail } from './helpers/people.ts';
import { useServiceProcesses } from './helpers/service-process.ts';
import { until } from './helpers/until.ts';

const { run, freshDatabase, directory } = useServiceProcesses();
// Two starts, one after the other.
vi.setConfig({ testTimeout: 120_000 });
const START_MS = 45_000;
const LINK = 'https://accounts.example.com/magic#s3cr3t-token';

const servers: MailServer[] = [];
afterEach(async () => {
  await disconnect();
  for (const server of servers.splice(0)) await server.close();
});

/** A database with one mail in its outbox, and the environment of a service over it. */
async function withMail(to = freshEmail()) {
  const environment = { MONGODB_URI: freshDatabase(), KEYRING: generateKeyringSpec() };
  await applyMigrations(environment.MONGODB_URI, () => {});
  await connect(environment.MONGODB_URI, loadConfig({ NODE_ENV: 'test' }));
  const data = { link: LINK, code: '482913', validForSeconds: 900 };
  const keyring = parseKeyring(environment.KEYRING);
  await transaction((tx) => enqueueMail(tx, keyring, { template: 'magic-link', to, data }));
  return { to, environment };
}

async function mailServer(): Promise<MailServer> {
  const server = await MailServer.open();
  servers.push(server);
  return server;
}

describe('the service', () => {
  it('writes mail into files where no server takes it, in the language that is set', async () => {
    const { environment, to } = await withMail();
    const service = run({ ...environment, MAIL_LOCALE: 'de', SERVICE_NAME: 'Acme' });
    await service.address();
    const mails = join(directory, 'mail');
    await until('it says where mail goes', () => service.said().includes(`Mail:     ${mails}\n`));
    await until('the mail is written', async () => (await onlyRecord()).sentAt);
    const [file = '', ...more] = readdirSync(mails);
    expect(more).toEqual([]);
    const mail = await simpleParser(readFileSync(join(mails, file)));
    expect(mail.subject).toBe('Anmeldung bei Acme');
    expect(mail.from?.value).toEqual([{ name: 'Acme', address: 'no-reply@localhost' }]);
    expect([mail.to].flat()[0]?.text).toBe(to);
    expect(mail.text).toContain(LINK);
    await until('the log names the file', () => service.logged().includes(JSON.stringify(join(mails, file))));
    expect(service.logged() + service.said()).not.toMatch(/s3cr3t|482913|person\./);
  });

  it('sends it again after a crash between the server’s acceptance and its mark, as the same mail', async () => {
    const server = await mailServer();
    const { environment } = await withMail();
    const first = run({ ...environment, SMTP_URL: server.url, MAIL_FROM: 'accounts@example.com' });
    server.onMessage = async () => {
      first.child.kill('SIGKILL');
      await first.ended;
      return undefined;
    };
    await until('the server has accepted it', () => server.received.length === 1, START_MS);
    expect(await onlyRecord()).toMatchObject({ attempts: 1, dueAt: expect.any(Date) });
    server.onMessage = () => undefined;
    // The lease of whoever died ends.
    await Outbox.updateOne({}, { $set: { dueAt: new Date() } });
    run({ ...environment, SMTP_URL: server.url, MAIL_FROM: 'accounts@example.com' });
    await until('it is marked', async () => (await onlyRecord()).sentAt, START_MS);
    expect(server.received).toHaveLength(2);
    expect(new Set(server.messageIds)).toEqual(new Set([`<${(await onlyRecord())._id}@example.com>`]));
  });

  it('finishes what it sends when it is told to stop', async () => {
    const server = await mailServer();
    const { environment } = await withMail();
    const service = run({ ...environment, SMTP_URL: server.url });
    server.onMessage = async () => {
      service.child.kill('SIGTERM');
      await until('the service is stopping', () => service.logged().includes('stopping: SIGTERM'));
      return undefined;
    };
    expect(await service.ended).toBe(0);
    expect(server.received).toHaveLength(1);
    expect(await onlyRecord()).toMatchObject({ attempts: 1, sentAt: expect.any(Date) });
  });

  it('keeps mail in production until it knows a server, and says so', async () => {
    const { environment } = await withMail();
    const service = run({ ...environment, NODE_ENV: 'production' });
    await service.address();
    expect(service.said()).toMatch(/Mail: +NOT SENT.*SMTP_URL/);
    const line = service
      .logged()
      .split('\n')
      .find((text) => text.includes('mail is not sent'));
    expect(JSON.parse(line ?? '{}')).toMatchObject({ level: 'error' });
    const [, metrics = ''] = /Metrics: +(\S+)/.exec(service.said()) ?? [];
    const overdue = async () =>
      Number(/^roster_mail_overdue_seconds (.+)$/m.exec(await (await fetch(metrics)).text())?.[1]);
    expect(await overdue()).toBeGreaterThan(0);
    expect(await onlyRecord()).toMatchObject({ attempts: 0, dueAt: expect.any(Date) });
    await mongoose.connection.dropCollection('outbox');
    expect(await overdue()).toBe(0);
  });
});
