import { Secret, URI } from 'otpauth';
import { describe, expect, it } from 'vitest';
import { matchingStep, newTotpSecret, totpUri } from '../../src/lib/totp.ts';

/** RFC 6238, appendix B: SHA-1, of whose eight digits an app shows the last six. */
const RFC_SECRET = Secret.fromLatin1('12345678901234567890').base32;
const VECTORS: [seconds: number, code: string][] = [
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
];

describe('matchingStep', () => {
  it.each(VECTORS)('knows the code of second %i of RFC 6238', (seconds, code) => {
    expect(matchingStep(RFC_SECRET, code, seconds * 1000)).toBe(Math.floor(seconds / 30));
  });

  it('takes the step before and the one after, and tells which it was', () => {
    const [seconds, code] = [1_234_567_890, '005924'];
    const step = Math.floor(seconds / 30);
    for (const late of [-30, 0, 30]) expect(matchingStep(RFC_SECRET, code, (seconds + late) * 1000)).toBe(step);
    for (const late of [-60, 60]) expect(matchingStep(RFC_SECRET, code, (seconds + late) * 1000)).toBeUndefined();
  });

  it('takes the space that apps show', () => {
    expect(matchingStep(RFC_SECRET, ' 287 082 ', 59_000)).toBe(1);
  });

  it.each(['', '28708', '2870822', '94287082', '28708２', '-87082', '2.8708', '1e1234', 'abcdef'])(
    'refuses %j',
    (code) => {
      expect(matchingStep(RFC_SECRET, code, 59_000)).toBeUndefined();
    },
  );
});

describe('a secret', () => {
  it('is random, of 160 bits', () => {
    const secrets = Array.from({ length: 50 }, newTotpSecret);
    expect(new Set(secrets).size).toBe(50);
    for (const secret of secrets) expect(Secret.fromBase32(secret).bytes).toHaveLength(20);
  });

  it('stands in a URI as apps read it', () => {
    const uri = totpUri(RFC_SECRET, 'Roster & Co', 'ada+1@example.com');
    expect(uri).toMatch(/^otpauth:\/\/totp\//);
    expect(URI.parse(uri)).toMatchObject({
      issuer: 'Roster & Co',
      label: 'ada+1@example.com',
      algorithm: 'SHA1',
      digits: 6,
      period: 30,
      secret: Secret.fromBase32(RFC_SECRET),
    });
  });
});
