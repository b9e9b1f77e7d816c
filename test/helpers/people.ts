import type { InjectOptions, LightMyRequestResponse as Response } from 'fastify';
import mongoose from 'mongoose';
import { Session } from '../../src/models/session.ts';
import { type Role, User } from '../../src/models/user.ts';
import type { TestApp } from './app.ts';

export const PASSWORD = 'correct horse battery staple';

let count = 0;

/** An email that no other test of this run has. */
export const freshEmail = (name = 'person'): string => `${name}.${process.pid}.${++count}@example.com`;

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
export type Options = Pick<InjectOptions, 'headers' | 'query' | 'remoteAddress'>;

/** One request to an instance; a body is sent as JSON. */
export function call(
  { app }: Pick<TestApp, 'app'>,
  method: Method,
  url: string,
  body?: unknown,
  options: Options = {},
): Promise<Response> {
  return app.inject({
    method,
    url,
    ...options,
    ...(body !== undefined && {
      payload: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...options.headers },
    }),
  });
}

export interface Person {
  readonly id: string;
  readonly email: string;
  readonly password: string;
  readonly sessionId: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly headers: { readonly authorization: string };
  /** A request as this person, to the instance that it was made with unless another is given. */
  call(method: Method, url: string, body?: unknown, options?: Options & { on?: TestApp }): Promise<Response>;
}

/** Signs in; throws when the answer is not a session. */
export async function signIn(service: TestApp, email: string, password = PASSWORD): Promise<Person> {
  const response = await call(service, 'POST', '/v1/sessions', { email, password });
  if (response.statusCode !== 201) throw new Error(`sign-in answered ${response.statusCode}: ${response.body}`);
  const { session, user, accessToken, refreshToken } = response.json();
  const headers = { authorization: `Bearer ${accessToken}` };
  return {
    id: user.id,
    email,
    password,
    sessionId: session.id,
    accessToken,
    refreshToken,
    headers,
    call: (method, url, body, { on = service, ...options } = {}) =>
      call(on, method, url, body, { ...options, headers: { ...headers, ...options.headers } }),
  };
}

export const refresh = (service: TestApp, refreshToken: string): Promise<Response> =>
  call(service, 'POST', '/v1/sessions/refresh', { refreshToken });

/** A read that any live session may do, by its access token. */
export const whoAmI = (service: TestApp, accessToken: string): Promise<Response> =>
  call(service, 'GET', '/v1/users/me', undefined, { headers: { authorization: `Bearer ${accessToken}` } });

/** Signs up and in. Roles are given behind the service's back, before the session is opened. */
export async function person(service: TestApp, { roles }: { roles?: readonly Role[] } = {}): Promise<Person> {
  const email = freshEmail();
  const response = await call(service, 'POST', '/v1/users', { email, password: PASSWORD });
  if (response.statusCode !== 201) throw new Error(`sign-up answered ${response.statusCode}: ${response.body}`);
  if (roles) await User.updateOne({ email }, { $set: { roles } });
  return signIn(service, email);
}

/** Lets the sign-in of a session lie that many minutes back. */
export const age = (sessionId: string, minutes: number) =>
  Session.updateOne({ _id: sessionId }, { $set: { authenticatedAt: new Date(Date.now() - minutes * 60_000) } });

/** All documents of all collections as text, to search it for what must not be stored. */
export async function dump({ except = [] }: { except?: readonly string[] } = {}): Promise<string> {
  const collections = ((await mongoose.connection.db?.collections()) ?? []).filter(
    ({ collectionName }) => !except.includes(collectionName),
  );
  const documents = await Promise.all(collections.map((collection) => collection.find().toArray()));
  return JSON.stringify(documents);
}
