import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { simpleParser } from 'mailparser';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileTransport } from '../../../src/lib/mail/file-transport.ts';
import { smtpTransport } from '../../../src/lib/mail/smtp-transport.ts';
import { parseSmtpUrl, type SmtpServer } from '../../../src/lib/mail/smtp-url.ts';
import { DeliveryError, type MailTransport, type OutgoingMail } from '../../../src/lib/mail/transport.ts';
import { MailServer, unusedPort } from '../../helpers/mail-server.ts';

const FROM = { name: 'Acme, Inc. "Accounts"', address: 'accounts@example.com' };
const MAIL: OutgoingMail = {
  id: '0123456789abcdef01234567',
  template: 'reset-password',
  to: 'ada@example.org',
  date: new Date('2026-03-05T14:03:59.000Z'),
  language: 'en-GB',
  subject: 'Wähle – now',
  text: `https://example.com/#${'a1'.repeat(100)}\n\nZoë\n`,
  html: `<p>https://example.com/#${'a1'.repeat(100)}</p>\n<p>Zoë</p>\n`,
};
const NEVER = new AbortController().signal;

const opened: (MailServer | MailTransport)[] = [];
const open = async (options?: Parameters<typeof MailServer.open>[0]): Promise<MailServer> => {
  const server = await MailServer.open(options);
  opened.unshift(server);
  return server;
};
const transportTo = (server: SmtpServer | string): MailTransport => {
  const transport = smtpTransport(typeof server === 'string' ? parseSmtpUrl(server) : server, FROM);
  opened.unshift(transport);
  return transport;
};
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

/** How a try failed. */
const failure = (sending: Promise<void>): Promise<DeliveryError> =>
  sending.then(
    () => Promise.reject(new Error('it was sent')),
    (error: unknown) => (error instanceof DeliveryError ? error : Promise.reject(error)),
  );

describe('mail by SMTP', () => {
  it('arrives as it was written, for one mailbox, with its headers', async () => {
    const server = await open();
    await transportTo(server.url).send(MAIL, NEVER);
    const [{ parsed, from, to, raw } = expect.fail('nothing arrived')] = server.received;
    expect({ from, to }).toEqual({ from: FROM.address, to: [MAIL.to] });
    expect(parsed.from?.value).toEqual([FROM]);
    expect([parsed.to].flat().map((each) => each?.value)).toEqual([[{ address: MAIL.to, name: '' }]]);
    expect(parsed.subject).toBe(MAIL.subject);
    expect(parsed.text).toBe(MAIL.text);
    expect(parsed.html).toBe(MAIL.html);
    expect(parsed.messageId).toBe('<0123456789abcdef01234567@example.com>');
    expect(parsed.date).toEqual(MAIL.date);
    expect(parsed.headers.get('auto-submitted')).toBe('auto-generated');
    expect(parsed.headers.get('content-language')).toBe('en-GB');
    expect(parsed.attachments).toEqual([]);
    // RFC 5321 and 5322: lines of at most 998 characters, ended by CRLF.
    for (const line of raw.split('\r\n')) expect(line.length).toBeLessThan(998);
    expect(raw.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
  });

  it('has the headers that it was meant to have, whatever a value tries', async () => {
    const server = await open();
    const evil = 'x\r\nBcc: eve@example.net\r\n\r\n<p>evil</p>';
    const transport = smtpTransport(parseSmtpUrl(server.url), { ...FROM, name: evil });
    opened.unshift(transport);
    await transport.send({ ...MAIL, subject: evil, language: evil, id: evil }, NEVER);
    const [{ parsed, to } = expect.fail('nothing arrived')] = server.received;
    expect(to).toEqual([MAIL.to]);
    expect([...parsed.headers.keys()].sort()).toEqual(
      [
        'auto-submitted',
        'content-language',
        'content-type',
        'date',
        'from',
        'message-id',
        'mime-version',
        'subject',
        'to',
      ].sort(),
    );
    expect(parsed.text).toBe(MAIL.text);
  });

  it.each([
    'ada@example.org, eve@example.net',
    'ada@example.org\r\nRCPT TO:<eve@example.net>',
    'ada@example.org>,<eve@example.net',
  ])('for %j is refused unsent', async (to) => {
    const server = await open();
    await expect(transportTo(server.url).send({ ...MAIL, to }, NEVER)).rejects.toThrow(TypeError);
    expect(server.received).toEqual([]);
  });

  it('uses one connection for several', async () => {
    let connections = 0;
    const server = await open({
      onConnect: (_session, done) => {
        connections += 1;
        done();
      },
    });
    const transport = transportTo(server.url);
    for (let count = 0; count < 3; count += 1) await transport.send(MAIL, NEVER);
    expect(server.received).toHaveLength(3);
    expect(connections).toBe(1);
  });

  it('signs in', async () => {
    const server = await open();
    await transportTo(`smtp://roster:p%40ss%3Aword%2F@127.0.0.1:${server.port}`).send(MAIL, NEVER);
    expect(server.received).toMatchObject([{ user: 'roster', secure: true }]);
  });
});

describe('TLS', () => {
  it('is used on this machine where it is offered, whatever the certificate', async () => {
    const server = await open();
    await transportTo(server.url).send(MAIL, NEVER);
    expect(server.received).toMatchObject([{ secure: true }]);
  });

  it('is done without on this machine where it is not offered', async () => {
    const server = await open({ hideSTARTTLS: true });
    await transportTo(server.url).send(MAIL, NEVER);
    expect(server.received).toMatchObject([{ secure: false }]);
  });

  // What `smtp://` and `smtps://` mean for any other host; these tests have none.
  const elsewhere = ({ port }: MailServer, tls: SmtpServer['tls']): SmtpServer => ({
    host: '127.0.0.1',
    port,
    tls,
    credentials: { user: 'roster', pass: 'p@ss:word/' },
  });

  it('is required elsewhere: without it neither mail nor password is sent', async () => {
    let authenticated = false;
    const server = await open({
      disabledCommands: ['STARTTLS'],
      allowInsecureAuth: true,
      onAuth: (_auth, _session, done) => {
        authenticated = true;
        done(null, { user: 'roster' });
      },
    });
    const { permanent, code } = await failure(transportTo(elsewhere(server, 'required')).send(MAIL, NEVER));
    expect({ permanent, authenticated }).toEqual({ permanent: false, authenticated: false });
    expect(code).toMatch(/^ETLS /);
    expect(server.received).toEqual([]);
  });

  it.each(['required', 'implicit'] as const)('with a certificate that nobody vouches for is none: %s', async (tls) => {
    const server = await open({ secure: tls === 'implicit' });
    const { permanent, code } = await failure(transportTo(elsewhere(server, tls)).send(MAIL, NEVER));
    expect(permanent).toBe(false);
    expect(code).toMatch(/^(ETLS|ESOCKET)/);
    expect(server.received).toEqual([]);
  });
});

describe('a try that fails', () => {
  it.each([
    [550, true],
    [553, true],
    [450, false],
    [451, false],
    [421, false],
  ])('with %d for the recipient is permanent: %s', async (reply, permanent) => {
    const server = await open();
    server.onRecipient = () => reply;
    const error = await failure(transportTo(server.url).send(MAIL, NEVER));
    expect(error).toMatchObject({ permanent, code: expect.stringMatching(new RegExp(`^E[A-Z]+ ${reply}$`)) });
    expect(error.message).not.toMatch(/secret|ada/);
  });

  it.each([
    [554, true],
    [452, false],
  ])('with %d for the message is permanent: %s', async (reply, permanent) => {
    const server = await open();
    server.onMessage = () => reply;
    const error = await failure(transportTo(server.url).send(MAIL, NEVER));
    expect(error).toMatchObject({ permanent, code: `EMESSAGE ${reply}` });
  });

  it('for want of the right password is not the fault of the mail', async () => {
    const server = await open();
    const error = await failure(transportTo(`smtp://roster:wrong@127.0.0.1:${server.port}`).send(MAIL, NEVER));
    expect(error).toMatchObject({ permanent: false, code: 'EAUTH 535' });
  });

  it('is not sent unsigned where a password is configured, and the server knows none', async () => {
    const server = await open({ disabledCommands: ['AUTH'] });
    const url = `smtp://roster:p%40ss%3Aword%2F@127.0.0.1:${server.port}`;
    expect(await failure(transportTo(url).send(MAIL, NEVER))).toMatchObject({ permanent: false });
    expect(server.received).toEqual([]);
  });

  it('because nobody listens is not permanent', async () => {
    const port = await unusedPort();
    const error = await failure(transportTo(`smtp://127.0.0.1:${port}`).send(MAIL, NEVER));
    expect(error).toMatchObject({ permanent: false, code: 'ESOCKET ECONNREFUSED' });
  });

  it('can be cut off', async () => {
    const server = await open();
    let arrived = () => {};
    const underWay = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    let finish = (_: undefined) => {};
    server.onMessage = () => {
      arrived();
      return new Promise((resolve) => {
        finish = resolve;
      });
    };
    const controller = new AbortController();
    const sending = failure(transportTo(server.url).send(MAIL, controller.signal));
    await underWay;
    controller.abort();
    expect(await sending).toMatchObject({ permanent: false, code: 'EABORT' });
    finish(undefined);
  });
});

describe('mail into files', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'roster-mail-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('is a message for any mail program, and nobody else’s', async () => {
    const files: string[] = [];
    const target = join(directory, 'mail');
    const transport = fileTransport(target, FROM, (file) => files.push(file));
    await transport.send(MAIL, NEVER);
    const file = join(target, '20260305T140359Z-reset-password-0123456789abcdef01234567.eml');
    expect(files).toEqual([file]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(target).mode & 0o777).toBe(0o700);
    const parsed = await simpleParser(readFileSync(file));
    expect(parsed).toMatchObject({ text: MAIL.text, subject: MAIL.subject, date: MAIL.date });
    expect(parsed.messageId).toBe('<0123456789abcdef01234567@example.com>');
    // Again, as after a crash: still one.
    await transport.send(MAIL, NEVER);
    expect(readdirSync(target)).toHaveLength(1);
  });

  it('fails for now where the directory cannot be written', async () => {
    const file = join(directory, 'file');
    writeFileSync(file, '');
    const error = await failure(fileTransport(join(file, 'mail'), FROM, () => {}).send(MAIL, NEVER));
    expect(error).toMatchObject({ permanent: false, code: 'ENOTDIR' });
  });
});
