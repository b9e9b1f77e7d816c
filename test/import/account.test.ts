import { describe, expect, it } from 'vitest';
import { checkAccount } from '../../src/import/account.ts';

const ARGON2 = '$argon2id$v=19$m=19456,t=2,p=1$B3kyMUZBpbpMZxbuXxIpaQ$GZWmBYWtNK0yJWAtVzbfluWq1KDUS22UvYkxx7GbguM';
const BCRYPT = '$2y$08$DDMT4g0MGcQqHIBXadMebe2PrjRlgY0jbQmXdE.v6OMakcG3SkI3G';

const problemsOf = (value: unknown) => {
  const checked = checkAccount(value);
  return 'problems' in checked ? checked.problems.map(({ pointer, code }) => `${pointer} ${code}`) : [];
};

describe('an account', () => {
  it('is normalised as at sign-up', () => {
    expect(
      checkAccount({
        email: ' Ada@EXAMPLE.com ',
        passwordHash: ARGON2,
        firstName: '  Ada <b>  King ',
        lastName: 'Jose\u0301',
        avatarUrl: 'HTTPS://example.com/a b'.replace(' ', '%20'),
        emailVerified: true,
        status: 'suspended',
        roles: ['user', 'support'],
        metadata: { plan: 'team' },
        createdAt: '2024-01-01T01:00:00+01:00',
      }),
    ).toEqual({
      user: {
        email: 'ada@example.com',
        passwordHash: ARGON2,
        emailVerified: true,
        status: 'suspended',
        roles: ['user', 'support'],
        createdAt: new Date('2024-01-01T00:00:00Z'),
        profile: {
          firstName: 'Ada King',
          lastName: 'José',
          avatarUrl: 'https://example.com/a%20b',
          metadata: { plan: 'team' },
        },
      },
    });
  });

  it('needs an email alone', () => {
    expect(checkAccount({ email: 'ada@example.com' })).toEqual({ user: { email: 'ada@example.com', profile: {} } });
  });

  it.each([ARGON2, BCRYPT])('may bring the hash %s', (passwordHash) => {
    expect(problemsOf({ email: 'ada@example.com', passwordHash })).toEqual([]);
  });
});

describe('what is refused', () => {
  it.each<[string, unknown, string[]]>([
    ['no object', 'ada@example.com', [' invalid-type']],
    ['nothing', null, [' invalid-type']],
    ['no email', {}, ['/email required']],
    [
      'unknown fields',
      { email: 'a@example.com', password: 'x', id: 1 },
      ['/password unknown-property', '/id unknown-property'],
    ],
    ['wrong types', { email: 1, emailVerified: 'yes' }, ['/email invalid-type', '/emailVerified invalid-type']],
    ['deleted accounts', { email: 'a@example.com', status: 'deleted' }, ['/status not-allowed']],
    ['roles that do not exist', { email: 'a@example.com', roles: ['root'] }, ['/roles/0 not-allowed']],
    ['no role', { email: 'a@example.com', roles: [] }, ['/roles too-few']],
    ['operators', { email: { $ne: '' } }, ['/email/$ne forbidden-key']],
    ['prototypes', JSON.parse('{"email":"a@example.com","__proto__":{}}'), ['/__proto__ forbidden-key']],
    [
      'dates without a zone',
      { email: 'a@example.com', createdAt: '2024-01-01T00:00:00' },
      ['/createdAt invalid-format'],
    ],
    [
      'days that do not exist',
      { email: 'a@example.com', createdAt: '2023-02-29T00:00:00Z' },
      ['/createdAt invalid-format'],
    ],
    ['leap seconds', { email: 'a@example.com', createdAt: '2016-12-31T23:59:60Z' }, ['/createdAt invalid-format']],
    [
      'the future',
      { email: 'a@example.com', createdAt: new Date(Date.now() + 3_600_000).toISOString() },
      ['/createdAt out-of-range'],
    ],
    ['plain passwords', { email: 'a@example.com', passwordHash: 'correct horse' }, ['/passwordHash unsupported-hash']],
    [
      'hashes that cost too much',
      { email: 'a@example.com', passwordHash: BCRYPT.replace('$08$', '$15$') },
      ['/passwordHash unsupported-hash'],
    ],
    ...[
      '$scrypt$ln=20,r=8,p=1',
      '$firebase-scrypt$ln=20,r=8,sep=Bw',
      '$pbkdf2-sha256$i=2000001',
      '$argon2id$m=262145,t=1,p=1',
    ].map((parameters): [string, unknown, string[]] => [
      `the cost of ${parameters}`,
      { email: 'a@example.com', passwordHash: `${parameters}$c29tZXNhbHQ$1Ui4Zqu5gmgDqzL9Vw4+ZA` },
      ['/passwordHash unsupported-hash'],
    ]),
  ])('%s', (_name, value, problems) => {
    expect(problemsOf(value)).toEqual(problems);
  });

  it('is told all at once', () => {
    expect(
      problemsOf({
        email: 'ada',
        firstName: '<b>',
        avatarUrl: 'ftp://example.com/a',
        metadata: { a: { b: { c: { d: {} } } } },
        passwordHash: 'md5',
      }),
    ).toEqual([
      '/email invalid-email',
      '/firstName empty-name',
      '/avatarUrl invalid-url',
      '/metadata invalid-metadata',
      '/passwordHash unsupported-hash',
    ]);
  });
});
