// What is stored, journaled and sent once every route has been used, by the requests whose queries `bin/roster explain`
// shows. Names are encrypted, so that every field is sealed that can be.

import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import mongoose from 'mongoose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collections } from '../../src/collections/index.ts';
import { transaction } from '../../src/database.ts';
import { SCENE_PROVIDERS } from '../../src/explain/exercise-identities.ts';
import { EXERCISES } from '../../src/explain/exercises.ts';
import { Scene } from '../../src/explain/scene.ts';
import { CIPHERTEXT_PATTERN, DecryptionError, placeOf } from '../../src/lib/keyring.ts';
import { SENT_EVENT_TYPES, WEBHOOK_EVENT_TYPES } from '../../src/lib/webhooks/catalogue.ts';
import { SYSTEM } from '../../src/models/audit-event.ts';
import { createWebhook } from '../../src/models/webhook-change.ts';
import { openPayload, WebhookEvent } from '../../src/models/webhook-event.ts';
import { handOutEvent } from '../../src/models/webhook-fan-out.ts';
import { userView } from '../../src/routes/representations.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { expectJournalToAgree } from '../helpers/journal.ts';

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp({ IDENTITY_PROVIDERS: SCENE_PROVIDERS, ENCRYPT_NAMES: 'true' });
  const { keyring } = service.deps;
  const choice = { url: 'https://8.8.8.8/hook', events: [], enabled: true };
  await transaction((tx) => createWebhook(tx, SYSTEM, keyring, choice));
  const scene = new Scene(service.app);
  for (const exercise of Object.values(EXERCISES)) await exercise(scene);
  while (await handOutEvent(keyring, userView));
  // Every route, each with sign-ins: on a busy machine that takes its time.
}, 240_000);
afterAll(() => service.close());

it('the journal tells of whatever is there by now, whoever wrote it', expectJournalToAgree);

describe('ciphertexts', () => {
  const CIPHERTEXT = new RegExp(CIPHERTEXT_PATTERN);
  const declared = collections.flatMap(({ name, encrypted }) =>
    Object.keys(encrypted).map((path) => `${name}.${path}`),
  );

  /** Those come from a provider or from a receiver of webhooks, which none of these requests reaches. */
  const FROM_ELSEWHERE = ['identities.tokens', 'webhook_deliveries.refusal'];

  /** Path → value, of every text in a document. */
  function* texts(value: unknown, path: string): Generator<[string, string]> {
    if (typeof value === 'string') yield [path, value];
    else if (Array.isArray(value) || Object.getPrototypeOf(value ?? 0) === Object.prototype)
      for (const [name, member] of Object.entries(value as object))
        yield* texts(member, path ? `${path}.${name}` : name);
  }

  const found = new Map<string, { value: string; id: string }>();
  beforeAll(async () => {
    // Images in the journal are as they stand in their own collection.
    const stored = ((await mongoose.connection.db?.collections()) ?? []).filter(
      ({ collectionName }) => collectionName !== 'journal',
    );
    for (const collection of stored)
      for (const { _id, ...document } of await collection.find().toArray())
        for (const [path, value] of texts(document, ''))
          if (CIPHERTEXT.test(value)) found.set(`${collection.collectionName}.${path}`, { value, id: String(_id) });
  });

  it('are stored in each field that is marked as sensitive, and in no other', () => {
    const reached = declared.filter((field) => !FROM_ELSEWHERE.includes(field));
    expect([...found.keys()].sort()).toEqual(reached.sort());
  });

  it('open each in its own place, and in no other', () => {
    for (const [field, { value, id }] of found) {
      const [collection = '', ...path] = field.split('.');
      const open = (...place: Parameters<typeof placeOf>) => service.deps.keyring.decrypt(value, placeOf(...place));
      expect(open(collection, id, path.join('.')).length, field).toBeGreaterThan(0);
      expect(() => open(collection, `${id}0`, path.join('.')), field).toThrow(DecryptionError);
      expect(() => open(collection, id, 'another'), field).toThrow(DecryptionError);
      expect(() => open('another', id, path.join('.')), field).toThrow(DecryptionError);
    }
  });
});

describe('events for endpoints', () => {
  interface Sent {
    readonly type: string;
    readonly data: { readonly user?: unknown };
  }

  /** A sign-up that the owner of the mailbox rejects leaves nobody to tell of. */
  const GONE = 'user.deleted';

  const document = () => service.app.swagger() as unknown as { webhooks: Record<string, unknown> };

  const sent: Sent[] = [];
  beforeAll(async () => {
    for (const { _id, payload } of await WebhookEvent.find().lean())
      sent.push(JSON.parse(openPayload(service.deps.keyring, { _id, payload: payload ?? '' })));
  });

  it('are those that the OpenAPI document describes', () => {
    expect(Object.keys(document().webhooks)).toEqual(SENT_EVENT_TYPES);
  });

  it('have each happened', () => {
    const seen = new Set(sent.map(({ type }) => type));
    expect(WEBHOOK_EVENT_TYPES.filter((type) => !seen.has(type))).toEqual([]);
  });

  it('fit the schema of their type, and tell of no secret', () => {
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    ajvFormats.default(ajv);
    ajv.addSchema(document(), 'document');
    expect(sent.length).toBeGreaterThan(50);
    for (const each of sent) {
      const place = `/webhooks/${each.type}/post/requestBody/content/application~1json/schema`;
      const fits = ajv.validate({ $ref: `document#${place}` }, each);
      expect(fits ? null : ajv.errorsText(), JSON.stringify(each)).toBeNull();
      expect(JSON.stringify(each)).not.toMatch(/password_?hash|\$argon2|whsec_/i);
    }
  });

  it('tell of an account that is gone without it', () => {
    const gone = sent.filter(({ type, data }) => type === GONE && data.user === null);
    expect(gone.length).toBeGreaterThan(0);
  });
});
