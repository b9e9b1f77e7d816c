import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect } from 'vitest';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from './app.ts';
import { outcome } from './parallel.ts';
import { call, freshEmail, PASSWORD, type Person, person, signIn } from './people.ts';

/** A keyring of one key. */
export const keyOf = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;

/** For the tests of a file: two instances over one database. Names are encrypted by the one, and written in clear by the other. */
export function useEncryptedNames(KEYRING = keyOf('k-old')) {
  let sealing: TestApp;
  let clear: TestApp;
  let admin: Person;
  beforeAll(async () => {
    sealing = await buildTestApp({ ENCRYPT_NAMES: 'true', KEYRING });
    clear = await sealing.another({ ENCRYPT_NAMES: 'false' });
    admin = await person(sealing, { roles: ['admin'] });
  });
  afterAll(() => sealing.close());
  return {
    sealing: () => sealing,
    clear: () => clear,
    admin: () => admin,
    stored: (id: string) => User.findById(id).lean(),

    /** Somebody who is called so, and has signed up at that instance. */
    async called(firstName: string, lastName: string, on = sealing): Promise<Person> {
      const email = freshEmail();
      const made = await call(on, 'POST', '/v1/users', { email, password: PASSWORD, firstName, lastName });
      expect(made.json()).toMatchObject({ firstName, lastName });
      return signIn(on, email);
    },

    /** The emails of those whom an admin finds by it. */
    async found(q: string, on = sealing, more: Record<string, string> = {}): Promise<string[]> {
      const answer = await admin.call('GET', '/v1/admin/users', undefined, { on, query: { q, ...more } });
      expect(outcome(answer)).toBe('200');
      return answer.json().items.map(({ email }: { email: string }) => email);
    },
  };
}
