import type { TestApp } from './app.ts';
import type { Person } from './people.ts';

const encoded = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A JWT with its signature made up. */
const jwt = (header: unknown, payload: unknown = { sub: 'x' }, signature = 'AAAA'): string =>
  `${encoded(header)}.${encoded(payload)}.${signature}`;

/** API keys that are none: none of them tells a prefix to look for. */
function malformedApiKeys(): string[] {
  const [prefix, secret] = ['0123456789abcdef', 'f'.repeat(64)];
  return [
    'rk_',
    'rk__',
    `rk_${prefix}`,
    `rk_${prefix}_`,
    `rk__${secret}`,
    `rk_${prefix}_${secret.slice(1)}`,
    `rk_${prefix}_${secret}f`,
    `rk_${prefix}_${secret}_`,
    `rk_${prefix}-${secret}`,
    `rk_${prefix.toUpperCase()}_${secret}`,
    `rk_${prefix}_${secret.toUpperCase()}`,
    `RK_${prefix}_${secret}`,
    `rk_${prefix.slice(1)}g_${secret}`,
    `rk_${prefix}_${secret.slice(1)}\u0000`,
    `rk_${prefix}_${secret} `,
    `rk_${prefix}_${secret},rk_${prefix}_${secret}`,
    `sk_${prefix}_${secret}`,
    `rk_${'a'.repeat(4000)}_${secret}`,
    `rk_${prefix}_${'a'.repeat(8000)}`,
    'rk_[object Object]_x',
    'rk_constructor_prototype',
  ];
}

/** Whatever stands in the place of an access token and is none, though some of it is almost this one's. */
export async function malformedTokens({ deps }: TestApp, { accessToken }: Person): Promise<string[]> {
  const [header = '', payload = '', signature = ''] = accessToken.split('.');
  const { kid } = await deps.signingKeys.current();
  return [
    '',
    ' ',
    '.',
    '..',
    '...',
    'a.b',
    'a.b.c',
    'null',
    'undefined',
    '[object Object]',
    accessToken.slice(0, -1),
    `${accessToken}A`,
    `${accessToken}=`,
    `${accessToken}.`,
    `${accessToken}.${signature}`,
    `${header}.${payload}.`,
    `${header}.${payload}`,
    `${header}..${signature}`,
    `.${payload}.${signature}`,
    `${header}.${payload}.${signature.slice(0, 10)}`,
    `${header}.${payload}.${'A'.repeat(signature.length)}`,
    `${header}.${encoded('{"sub":')}.${signature}`,
    `${header} .${payload}.${signature}`,
    `${accessToken} ${accessToken}`,
    `${accessToken},${accessToken}`,
    `"${accessToken}"`,
    `${accessToken}\u00e9`,
    ...[null, 42, [], 'text', {}, '{', { alg: null }, { alg: {} }, { alg: 'EdDSA' }].map((value) => jwt(value)),
    ...[null, 42, {}, [], '__proto__', 'constructor', '../../keys', ' ', kid].map((value) =>
      jwt({ alg: 'EdDSA', typ: 'at+jwt', kid: value }),
    ),
    jwt({ alg: 'EdDSA', typ: 'at+jwt', kid, crit: ['exp'] }),
    jwt({ alg: 'EdDSA', typ: 'at+jwt', kid, crit: 'b64', b64: false }),
    jwt({ alg: 'EdDSA', typ: 'at+jwt', kid, zip: 'DEF' }),
    jwt({ alg: 'EdDSA', typ: 'at+jwt', kid }, '\0'),
    ...malformedApiKeys(),
    `${'A'.repeat(4000)}.${'A'.repeat(4000)}.${'A'.repeat(4000)}`,
  ];
}
