import { dictionary } from '@zxcvbn-ts/language-common';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCommonPassword } from '../../src/lib/common-passwords.ts';
import { checkPassword, PASSWORD_MAX_LENGTH } from '../../src/lib/password-policy.ts';

const context = ['Roster', 'ann.smith@example.com', 'Ann', 'Smith'];
const rules = { minLength: 15, context };

describe('the list of common passwords', () => {
  it('is there, in lower-case ASCII', () => {
    const list = dictionary['passwords-common'];
    expect(list.length).toBeGreaterThan(40_000);
    expect(list.filter((entry) => !/^[\x20-\x7e]+$/.test(entry) || entry !== entry.toLowerCase())).toEqual([]);
  });

  it.each(['password', 'PassWord', 'ＰＡＳＳＷＯＲＤ', '123456789', 'iloveyou'])('has %s', (password) => {
    expect(isCommonPassword(password)).toBe(true);
  });

  it.each(['', 'correct horse battery staple', 'password ', '__proto__', 'constructor'])('has not %j', (password) => {
    expect(isCommonPassword(password)).toBe(false);
  });
});

describe('checkPassword', () => {
  it.each([
    'correct horse battery staple',
    'all lower case and spaces',
    '   spaces around it stay   ',
    'tr0ub4dor&3-and-then-some',
    'кот учёный идёт направо',
    '山高月小水落石出清风徐来水波不兴',
    '🐎🔋📎✅🌍🧀🎻🚲🍋🦊🪐🧊🗿🎲🪁',
    'xkQ9#vLm2$Wz7!pR',
    'elephant is red',
    'the smiths eat pancakes on sundays',
    'roster of unlikely champions',
    'banana split with sprinkles', // 'ann' is none of its words
    'password managers are my favourite thing',
  ])('accepts %s', (password) => {
    expect(checkPassword(password, rules)).toEqual([]);
  });

  it('counts code points after NFC, and never cuts', () => {
    const letters = 'abdgkpwzhqn';
    const text = (length: number): string => Array.from({ length }, (_, i) => letters[(i * i + i) % 11]).join('');
    expect(checkPassword(text(14), rules)).toEqual(['too-short']);
    expect(checkPassword(text(15), rules)).toEqual([]);
    expect(checkPassword(text(64), rules)).toEqual([]);
    expect(checkPassword(text(PASSWORD_MAX_LENGTH), rules)).toEqual([]);
    expect(checkPassword(text(PASSWORD_MAX_LENGTH + 1), rules)).toEqual(['too-long']);
    expect(checkPassword(text(30), { ...rules, maxLength: 29 })).toEqual(['too-long']);
    // 14 letters, spelled with 28 code points before NFC; 14 emoji of two UTF-16 units each.
    expect(checkPassword('éàüôñçêëîïâûùÿ'.normalize('NFD'), rules)).toEqual(['too-short']);
    expect(checkPassword('🐎🔋📎✅🌍🧀🎻🚲🍋🦊🪐🧊🗿🎲', rules)).toEqual(['too-short']);
  });

  it.each([
    '123456789987654321',
    'PasswordPassword',
    '1qaz2wsx3edc4rfv',
    'password1234567',
    'PASSWORD!!!!!!!!!!',
    '1234567password',
    '!!!!sunshine2024!!',
    'qwertyqwertyqwerty',
    'qwertyuiopasdfgh',
    'iloveyoujennifer',
    'aaaaaaaaaaaaaaaa',
    'abababababababab',
    'abcdefghijklmnopq',
    '123456789012345',
    '                ',
    'horsehorsehorsehor',
  ])('refuses %j as too common', (password) => {
    expect(checkPassword(password, rules)).toEqual(['too-common']);
  });

  it.each([
    'ann.smith@example.com',
    'Ann.Smith@Example.com1',
    'ann.smith2024!?',
    'AnnSmithAnnSmith',
    'Smith-Ann-1985-!',
    'smith12345678901',
    'rosterroster2024',
    'Roster Ann Smith',
    'ＲＯＳＴＥＲ ａｎｎ ｓｍｉｔｈ',
    'RosterPassword123',
    'roster-qwerty123456',
  ])('refuses %j as contextual', (password) => {
    expect(checkPassword(password, rules)).toContain('contextual');
  });

  it('takes short names only beside longer words, and names of two syllables as words', () => {
    const named = (...names: string[]) => ({ minLength: 8, context: names });
    expect(checkPassword('strong12x', named('Ng'))).toEqual([]);
    expect(checkPassword('ng-nguyen-77', named('Ng', 'Nguyen'))).toEqual(['contextual']);
    expect(checkPassword('李小龙-19401127', named('李小龙'))).toEqual([]);
    expect(checkPassword('李小龙-194011', named('李小龙'))).toEqual(['contextual']);
    expect(checkPassword('Jean-Luc Picard!', named('Jean-Luc', 'Picard'))).toEqual(['contextual']);
    expect(checkPassword('maria jose 1985', named('María José'))).toEqual(['contextual']);
    expect(checkPassword('MARI\u0301A JOSE\u0301 1985', named('María José'))).toEqual(['contextual']);
    expect(checkPassword('minh khai 2024!', named('Minh Khải'))).toEqual(['contextual']);
    expect(checkPassword('김철수김철수1234', named('김철수'))).toEqual(['contextual']);
  });

  it('says every reason at once', () => {
    expect(checkPassword('roster', rules)).toEqual(['too-short', 'contextual']);
    expect(checkPassword('smith123', rules)).toEqual(['too-short', 'too-common', 'contextual']);
    expect(checkPassword('\ud800', rules)).toEqual(['too-short', 'too-common', 'lone-surrogates']);
    expect(checkPassword('', rules)).toEqual(['too-short', 'too-common']);
  });

  it('refuses lone surrogates wherever they stand', () => {
    expect(checkPassword('correct horse \udc00 battery staple', rules)).toEqual(['lone-surrogates']);
    expect(checkPassword('correct horse \ud83d\ude00 battery staple', rules)).toEqual([]);
  });

  it('ignores empty context, and context that is nowhere in the password', () => {
    expect(checkPassword('correct horse battery', { ...rules, context: ['', ' ', '@', 'x', '\u0301'] })).toEqual([]);
  });

  it('accepts every random password of 15 letters and digits', () => {
    const alphabet = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'];
    const random = fc.array(fc.constantFrom(...alphabet), { minLength: 15, maxLength: 15, size: 'max' });
    const samples = fc.sample(fc.noBias(random), { numRuns: 300, seed: 1 }).map((characters) => characters.join(''));
    expect(samples.filter((password) => checkPassword(password, rules).length > 0)).toEqual([]);
  });

  it('is quick on the longest passwords and on documents sent instead of one', () => {
    const start = performance.now();
    for (const unit of ['a', 'ab', 'password', 'smith', '1', '\ud800']) {
      checkPassword(unit.repeat(PASSWORD_MAX_LENGTH / unit.length), rules);
      checkPassword(`${unit.repeat(1_000_000 / unit.length)}!`, rules);
    }
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});
