import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compose } from '../../../src/lib/mail/compose.ts';
import { CATALOGUES, MAIL_LOCALES, type MailLocale } from '../../../src/lib/mail/locales/index.ts';
import type { Mail } from '../../../src/lib/mail/messages.ts';
import { MAIL_TEMPLATES } from '../../../src/lib/mail/messages.ts';
import { type RenderedMail, render } from '../../../src/lib/mail/render.ts';
import { exampleMails } from '../../helpers/mails.ts';

const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:142.0) Gecko/20100101 Firefox/142.0';

const written = (mail: Mail, locale: MailLocale = 'en', service = 'Roster'): RenderedMail =>
  render(compose(mail, CATALOGUES[locale], service));

const linksOf = ({ data }: Mail): string[] =>
  [('link' in data && data.link) || '', ('rejectLink' in data && data.rejectLink) || ''].filter(Boolean);

/** HTML as its reader sees it. */
const readable = (html: string): string =>
  html
    .replace(/<[^>]*>/g, '')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&amp;/g, '&');

describe.each(MAIL_LOCALES)('every mail in %s', (locale) => {
  const mails = exampleMails('ada@example.com', FIREFOX);

  it.each(mails)('$template', (mail) => {
    const { subject, text, html, language } = written(mail, locale);
    expect(subject).toContain('Roster');
    expect(html).toContain(`<html lang="${language}"`);
    expect(html.match(/<h1/g)).toHaveLength(1);
    expect(text.startsWith(`${subject}\n\n`)).toBe(true);
    // Nothing is loaded, nothing runs, nobody is followed; colours are the reader's.
    expect(html).not.toMatch(/<(img|script|style|link|iframe|form)|src=|url\(|color:|background/);
    expect([...html.matchAll(/href="([^"]*)"/g)].map(([, href]) => readable(href ?? ''))).toEqual(linksOf(mail));
    for (const link of linksOf(mail)) {
      expect(text.split('\n')).toContain(link);
      // As the target, and spelled out.
      expect(html.split(link.replaceAll('&', '&amp;'))).toHaveLength(3);
    }
    if ('code' in mail.data) {
      expect(text.split('\n')).toContain(mail.data.code);
      expect(readable(html)).toContain(mail.data.code);
    }
    // Both parts say the same.
    for (const line of text.split('\n').filter(Boolean)) expect(readable(html)).toContain(line.replace(/:$/, ''));
    expect(text).not.toMatch(/undefined|\[object|NaN|\$\{/);
  });
});

it('every language has its own words', () => {
  const english = exampleMails('ada@example.com').map((mail) => written(mail, 'en').text);
  const german = exampleMails('ada@example.com').map((mail) => written(mail, 'de').text);
  expect(new Set([...english, ...german]).size).toBe(2 * MAIL_TEMPLATES.length);
});

describe('a notice', () => {
  const mail = { template: 'password-changed', to: 'ada@example.com' } as const;
  const at = '2026-03-05T14:03:59.000Z';

  it('says when, with what and from where', () => {
    const { text } = written({ ...mail, data: { at, ip: '203.0.113.7', userAgent: FIREFOX } });
    expect(text).toContain('When: 5 March 2026 at 14:03 UTC\nWith: Firefox on Windows\nFrom: 203.0.113.7\n');
  });

  it('says so in the language of the mail', () => {
    const { text } = written({ ...mail, data: { at, ip: '2001:db8::1', userAgent: FIREFOX } }, 'de');
    expect(text).toContain('Wann: 5. März 2026 um 14:03 UTC\nWomit: Firefox auf Windows\nWoher: 2001:db8::1\n');
  });

  it('leaves out what nobody knows', () => {
    expect(written({ ...mail, data: { at, userAgent: 'curl/8.5.0' } }).text).toMatch(/UTC\n\nIf it was not you/);
  });
});

describe('a link', () => {
  const mail = { template: 'reset-password', to: 'ada@example.com' } as const;
  const link = 'https://accounts.example.com/reset#t';

  it.each([
    [900, 'for 15 minutes.', '15 Minuten lang.'],
    [3600, 'for 1 hour.', '1 Stunde lang.'],
    [5400, 'for 90 minutes.', '90 Minuten lang.'],
    [86_400, 'for 24 hours.', '24 Stunden lang.'],
    [259_200, 'for 3 days.', '3 Tage lang.'],
  ])('of %d seconds says how long it lives', (validForSeconds, english, german) => {
    expect(written({ ...mail, data: { link, validForSeconds } }).text).toContain(`The link works once, ${english}`);
    expect(written({ ...mail, data: { link, validForSeconds } }, 'de').text).toContain(german);
  });

  it('says no more than it knows', () => {
    expect(written({ ...mail, data: { link } }).text).toContain('The link works once.\n');
  });

  it.each(['javascript:alert(1)', 'data:text/html,x', '/reset', 'file:///etc/passwd', ''])('is never %j', (bad) => {
    expect(() => written({ ...mail, data: { link: bad } })).toThrow(TypeError);
  });
});

describe('what people chose', () => {
  /** Control characters, those that turn the direction of text around, and invisible ones. */
  const UNSEEN = /[\p{Cc}\p{Bidi_Control}\u200b\u2028\u2029\ufeff]/u;
  const hostile = fc.string({
    unit: fc.oneof(
      fc.constantFrom('<script>', '</p>', '<', '>', '"', "'", '&', '&amp;', '\r\n', '\n', '\r', '\0', '\u2028', '\t'),
      fc.constantFrom(
        '\u202e',
        '\u2066',
        '\u200f',
        '\u200b',
        'Bcc: x@y.example',
        'javascript:',
        '%0d%0a',
        'é',
        '李',
        '👩',
      ),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }),
    ),
    maxLength: 60,
  });

  /** The markup, which is what the templates bring and no value adds to. */
  const tagsOf = (html: string): string[] => html.match(/<[^>]*>/g) ?? [];

  it('is text, whatever it is', () => {
    const plain = (locale: MailLocale) =>
      exampleMails('ada@example.com', 'x').map((mail) => written(mail, locale).html);
    const tags = { en: plain('en').map(tagsOf), de: plain('de').map(tagsOf) };
    fc.assert(
      fc.property(hostile, hostile, fc.constantFrom(...MAIL_LOCALES), (value, service, locale) => {
        for (const [index, mail] of exampleMails('ada@example.com', `x${value}`).entries()) {
          const { subject, text, html } = written(mail, locale, `S${service}`);
          expect(subject).not.toMatch(UNSEEN);
          expect(text.replaceAll('\n', '')).not.toMatch(UNSEEN);
          expect(html.replaceAll('\n', '')).not.toMatch(UNSEEN);
          expect(tagsOf(html)).toEqual(tags[locale][index]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('is seen as it is where it is harmless', () => {
    const name = `Ada's "phone" <3 & 李`;
    const [mail] = exampleMails('ada@example.com', name).filter(({ template }) => template === 'factor-added');
    if (!mail) throw new Error('no such mail');
    expect(written(mail).text).toContain(`a passkey named “${name}”`);
    expect(readable(written(mail).html)).toContain(`a passkey named “${name}”`);
  });

  it('is cut where it is endless', () => {
    const [mail] = exampleMails('ada@example.com', 'x'.repeat(100_000)).slice(-1);
    if (!mail) throw new Error('no mail');
    expect(written(mail).subject.length).toBeLessThan(400);
  });
});
