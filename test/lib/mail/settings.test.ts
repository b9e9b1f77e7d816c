import { describe, expect, it } from 'vitest';
import { parseMailbox, senderOf } from '../../../src/lib/mail/mailbox.ts';
import { mailProblems } from '../../../src/lib/mail/settings.ts';
import { parseSmtpUrl } from '../../../src/lib/mail/smtp-url.ts';

describe('SMTP_URL', () => {
  it.each([
    ['smtp://smtp.example.com', { host: 'smtp.example.com', port: 587, tls: 'required' }],
    ['smtp://smtp.example.com:2525/', { host: 'smtp.example.com', port: 2525, tls: 'required' }],
    ['smtps://smtp.example.com', { host: 'smtp.example.com', port: 465, tls: 'implicit' }],
    ['smtp://relay.internal:25?tls=opportunistic', { host: 'relay.internal', port: 25, tls: 'opportunistic' }],
    ['smtp://localhost:1025', { host: 'localhost', port: 1025, tls: 'opportunistic' }],
    ['smtp://127.0.0.1', { host: '127.0.0.1', port: 587, tls: 'opportunistic' }],
    ['smtp://[::1]:1025', { host: '::1', port: 1025, tls: 'opportunistic' }],
    ['smtp://[2001:db8::1]', { host: '2001:db8::1', port: 587, tls: 'required' }],
    [
      'smtps://ada%40example.com:p%40ss%3Aword%2F@smtp.example.com',
      {
        host: 'smtp.example.com',
        port: 465,
        tls: 'implicit',
        credentials: { user: 'ada@example.com', pass: 'p@ss:word/' },
      },
    ],
  ])('%s', (url, server) => {
    expect(parseSmtpUrl(url)).toEqual(server);
  });

  it.each([
    ['smtp.example.com', 'not a URL'],
    ['http://u:s3cr3t@smtp.example.com', 'neither smtp:// nor smtps://'],
    ['smtp://', 'without a host'],
    ['smtp://u:s3cr3t@a%20b', 'without a host'],
    ['smtp://u:s3cr3t@smtp.example.com/path', 'with a path'],
    ['smtp://u:s3cr3t@smtp.example.com#s3cr3t', 'with a path'],
    ['smtp://u@smtp.example.com', 'with a user or a password alone'],
    ['smtp://:s3cr3t@smtp.example.com', 'with a user or a password alone'],
    ['smtp://u:s3cr3t%@smtp.example.com', 'not percent-encoded'],
    ['smtp://smtp.example.com?tls=none', 'with a parameter'],
    ['smtp://smtp.example.com?tls.rejectUnauthorized=false', 'with a parameter'],
    ['smtp://smtp.example.com?ignoreTLS=true', 'with a parameter'],
    ['smtp://smtp.example.com?tls=opportunistic&pool=false', 'with a parameter'],
    ['smtps://smtp.example.com?tls=opportunistic', 'smtps:// with'],
    ['smtp://u:s3cr3t@smtp.example.com?tls=opportunistic', 'sent in clear'],
  ])('refuses %s without repeating it', (SMTP_URL, words) => {
    const [problem, ...more] = mailProblems({ SMTP_URL, SERVICE_NAME: 'Roster', NODE_ENV: 'test' });
    expect(problem).toMatch(/^SMTP_URL: /);
    expect(problem).toContain(words);
    expect(problem).not.toContain('s3cr3t');
    expect(more).toEqual([]);
  });
});

describe('MAIL_FROM', () => {
  it.each([
    ['Acme Accounts <accounts@example.com>', { name: 'Acme Accounts', address: 'accounts@example.com' }],
    ['"Acme, Inc." <Accounts@Example.COM>', { name: 'Acme, Inc.', address: 'accounts@example.com' }],
    ['accounts@example.com', { name: 'Roster', address: 'accounts@example.com' }],
    ['<accounts@example.com>', { name: 'Roster', address: 'accounts@example.com' }],
  ])('%s', (text, mailbox) => {
    expect(parseMailbox(text, 'Roster')).toEqual(mailbox);
  });

  it.each(['', 'Acme', 'Acme <accounts>', 'a@example.com, b@example.com', 'A <a@example.com> B <b@example.com>'])(
    'refuses %j',
    (text) => {
      expect(() => parseMailbox(text, 'Roster')).toThrow(TypeError);
    },
  );

  it('breaks no header', () => {
    const { name } = parseMailbox('Acme\r\nBcc: x@example.com <accounts@example.com>', 'Roster');
    expect(name).toBe('Acme Bcc: x@example.com');
  });

  it('is made up where mail goes into files', () => {
    expect(senderOf({ SERVICE_NAME: 'Acme' })).toEqual({ name: 'Acme', address: 'no-reply@localhost' });
  });

  it('is required in production, with a server that would send it', () => {
    const settings = { SERVICE_NAME: 'Roster', NODE_ENV: 'production' };
    expect(mailProblems(settings)).toEqual([]);
    expect(mailProblems({ ...settings, SMTP_URL: 'smtps://smtp.example.com' })).toEqual([
      expect.stringContaining('MAIL_FROM is required'),
    ]);
  });
});
