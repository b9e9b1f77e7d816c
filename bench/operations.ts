import { randomUUID } from 'node:crypto';
import { cursorFor } from '../src/routes/representations.ts';
import { type BenchDatabase, PASSWORD } from './database.ts';
import type { LoadRequest } from './load.ts';

export const READS = ['read oneself', 'read by id', 'first page', 'deep page'] as const;
export const HASHING = ['sign-in', 'sign-up'] as const;
export type Operation = (typeof READS)[number] | (typeof HASHING)[number];

/** The name of an operation as it stands in a path. */
export const slugOf = (operation: Operation): string => operation.replaceAll(' ', '-');

export interface Tokens {
  readonly admin: string;
  readonly people: readonly string[];
}

/** So many are signed in and read themselves. */
const SIGNED_IN = 20;

const JSON_TYPE = { 'content-type': 'application/json' };

const bearer = (token: string | undefined) => ({ authorization: `Bearer ${token}` });

/** The requests of each operation on one database: each call gives the next, about another account than the last. */
export function requestsOf(database: BenchDatabase, tokens: () => Tokens): Record<Operation, () => LoadRequest> {
  let count = 0;
  const next = <T>(items: readonly T[]): T | undefined => items[count++ % items.length];
  const page = '/v1/admin/users';
  const deepCursor = cursorFor('users').write({ key: '', id: database.deepId });
  const admin = (path: string): LoadRequest => ({ path, headers: bearer(tokens().admin) });
  const post = (path: string, body: object): LoadRequest => ({
    method: 'POST',
    path,
    headers: JSON_TYPE,
    body: JSON.stringify(body),
  });
  return {
    'read oneself': () => ({ path: '/v1/users/me', headers: bearer(next(tokens().people)) }),
    'read by id': () => admin(`${page}/${next(database.people)?._id}`),
    'first page': () => admin(page),
    'deep page': () => admin(`${page}?cursor=${encodeURIComponent(deepCursor)}`),
    'sign-in': () => post('/v1/sessions', { email: next(database.people)?.email, password: PASSWORD }),
    'sign-up': () => {
      const email = `${randomUUID()}@bench.example`;
      return post('/v1/users', { email, password: PASSWORD, firstName: 'Ada', lastName: 'Lovelace' });
    },
  };
}

/** Signs in over HTTP. Access tokens live for ten minutes, so a long run asks again. */
export async function signIn(origin: string, { admin, people }: BenchDatabase): Promise<Tokens> {
  const token = async (email: string): Promise<string> => {
    const response = await fetch(`${origin}/v1/sessions`, {
      method: 'POST',
      headers: JSON_TYPE,
      body: JSON.stringify({ email, password: PASSWORD }),
    });
    const body = (await response.json()) as { accessToken?: string };
    if (body.accessToken === undefined) throw new Error(`sign-in answered ${response.status}: ${JSON.stringify(body)}`);
    return body.accessToken;
  };
  const tokens: string[] = [];
  for (const { email } of people.slice(0, SIGNED_IN)) tokens.push(await token(email));
  return { admin: await token(admin.email), people: tokens };
}
