import { describe, expect, it } from 'vitest';
import { newRecoveryCodes, plainRecoveryCode } from '../../src/lib/recovery-codes.ts';

describe('recovery codes', () => {
  it('are ten, of 80 bits, in groups that can be read aloud', () => {
    const codes = newRecoveryCodes();
    expect(codes).toHaveLength(10);
    for (const code of codes) expect(code).toMatch(/^(?:[0-9a-hjkmnp-tv-z]{4}-){3}[0-9a-hjkmnp-tv-z]{4}$/);
  });

  it('never come twice, and use every letter in every place', () => {
    const codes = Array.from({ length: 200 }, newRecoveryCodes).flat();
    expect(new Set(codes).size).toBe(2_000);
    const plain = codes.map(plainRecoveryCode);
    for (let place = 0; place < 16; place += 1) expect(new Set(plain.map((code) => code[place])).size).toBe(32);
  });

  it('are read however they are written', () => {
    for (const spelling of ['7kq2-m0dz-x4h1-pa3e', ' 7KQ2 M0DZ X4H1 PA3E ', '7kq2modzx4hlpa3e', '7KQ2-MODZ-X4HI-PA3E'])
      expect(plainRecoveryCode(spelling)).toBe('7kq2m0dzx4h1pa3e');
  });
});
