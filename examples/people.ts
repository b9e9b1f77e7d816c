import * as locales from '@faker-js/faker';
import { base, en, Faker, type LocaleDefinition } from '@faker-js/faker';
import { HASHES } from './hashes.ts';

export interface ExampleAccount {
  readonly email: string;
  readonly passwordHash?: string;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly avatarUrl?: string;
  readonly emailVerified: boolean;
  readonly status: 'active' | 'inactive' | 'suspended';
  readonly roles: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAt: string;
}

/** Where the people come from, and how often: names in 16 scripts. */
const ORIGINS: Readonly<Record<string, { readonly weight: number; readonly domain?: string }>> = {
  en: { weight: 14 },
  es: { weight: 9 },
  pt_BR: { weight: 5 },
  fr: { weight: 5 },
  de: { weight: 5 },
  it: { weight: 3 },
  pl: { weight: 3 },
  cs_CZ: { weight: 2 },
  hu: { weight: 1 },
  ro: { weight: 1 },
  tr: { weight: 3 },
  vi: { weight: 3 },
  sv: { weight: 1 },
  lv: { weight: 1 },
  yo_NG: { weight: 2 },
  id_ID: { weight: 3 },
  ru: { weight: 5, domain: 'пример.испытание' },
  uk: { weight: 2 },
  mk: { weight: 1 },
  el: { weight: 2, domain: 'παράδειγμα.δοκιμή' },
  hy: { weight: 1 },
  ka_GE: { weight: 1 },
  he: { weight: 1, domain: 'דוגמה.טעסט' },
  ar: { weight: 5, domain: 'مثال.إختبار' },
  fa: { weight: 2, domain: 'مثال.آزمایشی' },
  ur: { weight: 2 },
  dv: { weight: 1 },
  ne: { weight: 3 },
  th: { weight: 2 },
  zh_CN: { weight: 8, domain: '例子.测试' },
  zh_TW: { weight: 1, domain: '例子.測試' },
  ja: { weight: 4, domain: '例え.テスト' },
  ko: { weight: 2, domain: '실례.테스트' },
};

/** The one that the tour signs in as. */
const FIRST: ExampleAccount = {
  email: 'maria.jose@example.com',
  passwordHash: HASHES.bcrypt10,
  firstName: 'María José',
  lastName: 'Núñez',
  emailVerified: true,
  status: 'active',
  roles: ['user'],
  metadata: { locale: 'es', plan: 'team' },
  createdAt: '2023-04-05T06:07:08.000Z',
};

const SEED = 20_250_101;
/** What is random must not depend on the day on which it is made. */
const [SINCE, UNTIL] = ['2021-01-01T00:00:00.000Z', '2025-01-01T00:00:00.000Z'];

interface Origin {
  readonly locale: string;
  readonly faker: Faker;
  readonly domain: string | undefined;
}

function openOrigin(locale: string, domain: string | undefined): Origin {
  const definition = (locales as unknown as Record<string, LocaleDefinition | undefined>)[locale];
  if (definition === undefined) throw new Error(`faker has no locale ${locale}`);
  return { locale, domain, faker: new Faker({ locale: [definition, en, base], seed: SEED }) };
}

/** The same people in the same order, however many are asked for. */
export function* examplePeople(count: number): Generator<ExampleAccount> {
  const dice = new Faker({ locale: [en, base], seed: SEED });
  const origins = Object.entries(ORIGINS).map(([locale, { weight, domain }]) => ({
    weight,
    value: openOrigin(locale, domain),
  }));
  if (count > 0) yield FIRST;
  for (let number = 2; number <= count; number++)
    yield person(number, dice, dice.helpers.weightedArrayElement(origins));
}

function person(number: number, dice: Faker, { locale, faker, domain }: Origin): ExampleAccount {
  const [firstName, lastName] = [faker.person.firstName(), faker.person.lastName()];
  const chance = (percent: number): boolean => dice.number.int({ max: 99 }) < percent;
  const native = domain !== undefined && chance(20);
  const email = native ? nativeEmail(firstName, number, domain) : latinEmail(firstName, lastName, number, dice);
  const verified = chance(90);
  return {
    // As people type it, which is not as it is stored.
    email: chance(3) ? email.toUpperCase() : email,
    ...(chance(92) && { passwordHash: dice.helpers.arrayElement(Object.values(HASHES)) }),
    // Decomposed accents and stray spaces, as other systems hand them over.
    ...(chance(98) && { firstName: chance(3) ? ` ${firstName.normalize('NFD')} ` : firstName }),
    ...(chance(95) && { lastName }),
    ...(chance(40) && { avatarUrl: `https://avatars.example.com/${dice.string.uuid()}.webp` }),
    emailVerified: verified,
    status: chance(94) ? 'active' : chance(70) ? 'inactive' : 'suspended',
    roles: number % 1_000 === 500 ? ['user', 'support'] : ['user'],
    metadata: {
      locale: locale.replace('_', '-'),
      plan: dice.helpers.arrayElement(['free', 'free', 'free', 'team', 'business']),
      ...(chance(50) && { newsletter: chance(50) }),
      ...(chance(10) && { bio: faker.person.bio() }),
    },
    createdAt: dice.date.between({ from: SINCE, to: UNTIL }).toISOString(),
  };
}

/** Reserved for examples (RFC 2606), so that no stranger ever gets mail. */
const DOMAINS = ['example.com', 'example.org', 'example.net'];

/** A number makes it unique. */
function latinEmail(firstName: string, lastName: string, number: number, dice: Faker): string {
  const words = [firstName, lastName].map(plainLetters).filter(Boolean);
  const handle = words.length === 2 ? words.join('.') : dice.person.firstName().toLowerCase();
  return `${handle}.${number}@${dice.helpers.arrayElement(DOMAINS)}`;
}

const plainLetters = (name: string): string =>
  name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z]/g, '');

/** An address in the script of the name (RFC 6531), at one of the domains that test the domain system. */
function nativeEmail(name: string, number: number, domain: string): string {
  const letters = name.normalize('NFKC').replace(/[^\p{L}\p{M}\p{Nd}]/gu, '');
  return `${letters}.${number}@${domain}`;
}
