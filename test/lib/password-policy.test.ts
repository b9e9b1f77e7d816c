import { dictionary } from '@zxcvbn-ts/language-common';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commonLooks, foldPassword, lookOf } from '../../src/lib/common-passwords.ts';
import { checkPassword, PASSWORD_MAX_LENGTH } from '../../src/lib/password-policy.ts';

const context = ['Roster', 'ann.smith@example.com', 'Ann', 'Smith'];
const rules = { minLength: 15, context };

const LIST = dictionary['passwords-common'];
const DICEWARE = dictionary['diceware-common'];

describe('the list of common passwords', () => {
  it('is what the package gives, in lower-case ASCII', () => {
    expect(LIST.length).toBe(49_233);
    expect(LIST.filter((entry) => !/^[\x20-\x7e]+$/.test(entry) || entry !== entry.toLowerCase())).toEqual([]);
    expect(LIST.filter((entry) => !commonLooks().has(lookOf(entry)))).toEqual([]);
    expect(commonLooks().size).toBe(new Set(LIST.map(lookOf)).size);
  });

  it.each(['password', 'PassWord', 'ＰＡＳＳＷＯＲＤ', 'pássword', 'P4$$w0rd', '123456789', 'iloveyou'])(
    'has %s',
    (password) => {
      expect(commonLooks().has(lookOf(foldPassword(password)))).toBe(true);
    },
  );

  it.each(['', 'correct horse battery staple', 'password ', '__proto__', 'constructor', 'пароль', '🐎'])(
    'has not %j',
    (password) => {
      expect(commonLooks().has(lookOf(foldPassword(password)))).toBe(false);
    },
  );
});

const LOOK_ALIKES: Readonly<Record<string, string>> = {
  a: '@4',
  b: '8',
  e: '3',
  i: '1!',
  l: '1|',
  o: '0',
  s: '$5',
  t: '7+',
};

/** A word in some mixture of capitals and look-alikes; of its letters one at least stays. */
function spell(word: string, choices: Iterable<number>): string {
  const stays = word.search(/[a-z]/);
  const chosen = choices[Symbol.iterator]();
  return [...word]
    .map((letter, index) => {
      const choice: number = chosen.next().value;
      if (choice === 1 || index === stays) return letter.toUpperCase();
      return LOOK_ALIKES[letter]?.[choice - 2] ?? letter;
    })
    .join('');
}

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
    'my password is a secret dragon',
    'sunshine after the long rain',
    '12 monkeys under 1 umbrella',
    'I love you, Jennifer, but not your dog',
    'football-dragon-monkey-shadow',
    'letmein to the good place',
    '...---... .-- .. -.- ..',
    '550e8400-e29b-41d4-a716-446655440000',
    '9f86d081884c7d659a2feaa0c55ad015',
    '839204756102938',
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
    'h0rseHorseH0rse',
    'P4$$w0rdP4$$w0rd',
    'p4ssw0rd!!!!!!!!',
    '$unsh1ne20240131',
    '!$unsh1ne$unsh1ne!',
    'sunshine19850423',
    '1985-04-23 Sunshine',
    'pässwördpässwörd',
    'password123password',
    'Password1!Password2!',
    'password password',
    'p-a-s-s-w-o-r-d-1-2-3',
    's u n s h i n e !',
    'i love you i love you',
    'sunshine & rainbow!',
    'jennifer1jennif',
    'passwordaaaaaaaaa',
    'passwordabcdefgh',
    'monkey!@#$%^&*()',
    `letmein${'!?'.repeat(20)}`,
    '159753147258369',
    '01021988 48392711',
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
    'R0st3r-R0$ter-2024',
    'r.o.s.t.e.r.2.0.2.4',
    'Sm1th!4nn!5m17h',
    'smith19850423!!',
    'AnnSmith sunsh1ne',
    'example.com 2024!',
    'annsmithexamplecom',
  ])('refuses %j as contextual', (password) => {
    expect(checkPassword(password, rules)).toContain('contextual');
  });

  it('takes short names only beside longer words, and names of two syllables as words', () => {
    const named = (...names: string[]) => ({ minLength: 8, context: names });
    expect(checkPassword('strong12x', named('Ng'))).toEqual([]);
    expect(checkPassword('ng-nguyen-77', named('Ng', 'Nguyen'))).toEqual(['contextual']);
    expect(checkPassword('李小龙-194011270', named('李小龙'))).toEqual([]);
    expect(checkPassword('李小龙-19401127', named('李小龙'))).toEqual(['contextual']);
    expect(checkPassword('Jean-Luc Picard!', named('Jean-Luc', 'Picard'))).toEqual(['contextual']);
    expect(checkPassword('maria jose 1985', named('María José'))).toEqual(['too-common', 'contextual']);
    expect(checkPassword('MARI\u0301A JOSE\u0301 1985', named('María José'))).toContain('contextual');
    expect(checkPassword('minh khai 2024!', named('Minh Khải'))).toEqual(['contextual']);
    expect(checkPassword('김철수김철수1234', named('김철수'))).toEqual(['contextual']);
  });

  it('takes the domain of the email for a word of its context, in whatever script, but not the last label', () => {
    const mailed = (email: string) => ({ minLength: 8, context: [email] });
    expect(checkPassword('Lovelace1815', mailed('ada@lovelace.org'))).toContain('contextual');
    expect(checkPassword('analytical-1815', mailed('ada@mail.analytical-engine.co.uk'))).toEqual(['contextual']);
    expect(checkPassword('tromsø-2024', mailed('ada@xn--troms-zua.no'))).toEqual(['contextual']);
    expect(checkPassword('muse um zwei', mailed('ada@byron.museum'))).toEqual([]);
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

  it('accepts phrases of four diceware words and more, of which every third is a common password', () => {
    const phrase = fc.tuple(
      fc.uniqueArray(fc.constantFrom(...DICEWARE), { minLength: 4, maxLength: 7 }),
      fc.constantFrom(' ', '-', '.', ''),
    );
    expect(DICEWARE.filter((word) => commonLooks().has(lookOf(word))).length).toBeGreaterThan(DICEWARE.length / 3);
    fc.assert(
      fc.property(phrase, ([chosen, separator]) => {
        const password = chosen.join(separator);
        fc.pre(password.length >= 15);
        expect(checkPassword(password, { ...rules, context: [] })).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('refuses every common password, however it is written, lengthened by digits and signs, and repeated', () => {
    const digits = fc.array(fc.constantFrom(...'0123456789'), { maxLength: 4 }).map((found) => found.join(''));
    const signs = fc.array(fc.constantFrom(...'!?#*.-_&%'), { maxLength: 6 }).map((found) => found.join(''));
    const variant = fc.record({
      entry: fc.constantFrom(...LIST.filter((entry) => /[a-z]/.test(entry))),
      spelling: fc.infiniteStream(fc.nat(3)),
      times: fc.integer({ min: 1, max: 4 }),
      before: fc.tuple(signs, digits),
      after: fc.tuple(digits, signs),
    });
    fc.assert(
      fc.property(variant, ({ entry, spelling, times, before, after }) => {
        const word = spell(entry, spelling);
        const password = `${before.join('')}${word.repeat(times)}${after.join('')}`;
        expect(checkPassword(password, { minLength: 1, context: [] })).toContain('too-common');
      }),
      { numRuns: 2_000 },
    );
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
