import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EMAIL_MAX_LENGTH, normaliseEmail } from '../../src/lib/email.ts';

/** A plain character as a full-width one. */
const wide = (text: string): string =>
  text.replace(/[!-~]/g, (character) => String.fromCharCode(character.charCodeAt(0) + 0xfee0));

const word = fc.stringMatching(/^[a-zé李ñя0-9]{1,6}$/u).map((text) => text.normalize('NFC'));
const address = fc
  .record({ local: word, tag: word, domain: fc.stringMatching(/^[a-z0-9ü李]{1,10}$/u) })
  .map(({ local, tag, domain }) => `${local}.o'${tag}+${tag}@mail-${domain}.example`);

describe('normaliseEmail', () => {
  it('is idempotent, whatever it accepts', () => {
    const anything = fc.oneof(
      fc.emailAddress(),
      address,
      fc.string({ unit: 'binary' }).map((text) => `${text}@b.co`),
    );
    fc.assert(
      fc.property(anything, (input) => {
        const email = normaliseEmail(input);
        if (email !== undefined) expect(normaliseEmail(email)).toBe(email);
      }),
    );
  });

  it('collapses case, Unicode form, width and surrounding spaces into one account', () => {
    fc.assert(
      fc.property(address, (input) => {
        const email = normaliseEmail(input);
        expect(email).toBeDefined();
        expect(normaliseEmail(input.toUpperCase())).toBe(email);
        expect(normaliseEmail(input.normalize('NFD'))).toBe(email);
        expect(normaliseEmail(input.replace('@', '＠'))).toBe(email);
        expect(normaliseEmail(wide(input))).toBe(email);
        expect(normaliseEmail(` \u00a0${input}\u3000 `)).toBe(email);
      }),
    );
  });

  it.each([
    ['Ann.Smith+news@Example.COM', 'ann.smith+news@example.com'],
    ['ann﹫example．com', 'ann@example.com'],
    ['ann@example。com', 'ann@example.com'],
    ['ANN@MÜNCHEN.DE', 'ann@xn--mnchen-3ya.de'],
    ['ann@xn--mnchen-3ya.de', 'ann@xn--mnchen-3ya.de'],
    ['Jose\u0301@example.com', 'josé@example.com'],
    ['用户@例子.公司', '用户@xn--fsqu00a.xn--55qx5d'],
    ["o'brien@example.com", "o'brien@example.com"],
    ['\u212Aelvin@example.com', 'kelvin@example.com'],
    ['ﾊﾟ@example.com', 'パ@example.com'],
    ['a@b.co', 'a@b.co'],
  ])('%s is kept as %s', (input, stored) => {
    expect(normaliseEmail(input)).toBe(stored);
  });

  it.each([
    // Line breaks and control characters: a mail header must never see them.
    'ann@example.com\r\nBcc: eve@example.com',
    'ann@example.com\r\n',
    '\nann@example.com',
    'ann\0@example.com',
    'ann@exam\u2028ple.com',
    'ann\u202e@example.com',
    'ann\u200b@example.com',
    'ann@exam\u00adple.com',
    'ann\ud800@example.com',
    // More than one address, or one in a wrapping.
    'ann@example.com,eve@example.com',
    'ann@example.com eve@example.com',
    'ann@example.com;eve@example.com',
    'ann@example.com＠eve.com',
    'ann，eve@example.com',
    'ann@eve@example.com',
    'Ann <ann@example.com>',
    '<ann@example.com>',
    'mailto:ann@example.com',
    '"ann eve"@example.com',
    'ann(comment)@example.com',
    // Letters that some servers fold into plain ones.
    'ﬁona@example.com',
    'user²@example.com',
    'ⓐnn@example.com',
    '𝐚nn@example.com',
    // No mailbox at all.
    '',
    '@',
    'ann',
    'ann@',
    '@example.com',
    '.ann@example.com',
    'ann.@example.com',
    'a..n@example.com',
    'ann@localhost',
    'ann@.example.com',
    'ann@example..com',
    'ann@example.com.',
    'ann@-example.com',
    'ann@exa_mple.com',
    'ann@127.0.0.1',
    'ann@0x7f.1',
    'ann@[127.0.0.1]',
    'ann@example.123',
    'ann@exa%6dple.com',
    'ann@xn--a.com',
    'ann@example.com/path',
    'ann@example.com:25',
    'ann@℀.com',
  ])('refuses %j', (input) => {
    expect(normaliseEmail(input)).toBeUndefined();
  });

  it('counts the lengths after normalising', () => {
    expect(normaliseEmail(`${'a'.repeat(64)}@example.com`)).toBeDefined();
    expect(normaliseEmail(`${'a'.repeat(65)}@example.com`)).toBeUndefined();
    expect(normaliseEmail(`${'é'.repeat(33)}@example.com`)).toBeUndefined();
    const long = (length: number): string => `ann@${`${'d'.repeat(49)}.`.repeat(4)}${'x'.repeat(length - 204)}`;
    expect(long(EMAIL_MAX_LENGTH)).toHaveLength(EMAIL_MAX_LENGTH);
    expect(normaliseEmail(long(EMAIL_MAX_LENGTH))).toBe(long(EMAIL_MAX_LENGTH));
    expect(normaliseEmail(long(EMAIL_MAX_LENGTH + 1))).toBeUndefined();
    expect(normaliseEmail(`ann@${'ü'.repeat(60)}.${'ü'.repeat(60)}.com`)).toBeUndefined();
    expect(normaliseEmail(`${' '.repeat(2000)}ann@example.com`)).toBeUndefined();
  });
});
