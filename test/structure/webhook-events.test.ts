import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transaction } from '../../src/database.ts';
import { SCENE_PROVIDERS } from '../../src/explain/exercise-identities.ts';
import { EXERCISES } from '../../src/explain/exercises.ts';
import { Scene } from '../../src/explain/scene.ts';
import { SENT_EVENT_TYPES, WEBHOOK_EVENT_TYPES } from '../../src/lib/webhooks/catalogue.ts';
import { SYSTEM } from '../../src/models/audit-event.ts';
import { createWebhook } from '../../src/models/webhook-change.ts';
import { openPayload, WebhookEvent } from '../../src/models/webhook-event.ts';
import { handOutEvent } from '../../src/models/webhook-fan-out.ts';
import { userView } from '../../src/routes/representations.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';

/** A sign-up that the owner of the mailbox rejects leaves nobody to tell of. */
const GONE = 'user.deleted';

interface Sent {
  readonly type: string;
  readonly data: { readonly user?: unknown };
}

let service: TestApp;
const sent: Sent[] = [];
const document = () => service.app.swagger() as unknown as { webhooks: Record<string, unknown> };

beforeAll(async () => {
  service = await buildTestApp({ IDENTITY_PROVIDERS: SCENE_PROVIDERS });
  const { keyring } = service.deps;
  const choice = { url: 'https://8.8.8.8/hook', events: [], enabled: true };
  await transaction((tx) => createWebhook(tx, SYSTEM, keyring, choice));
  const scene = new Scene(service.app);
  for (const exercise of Object.values(EXERCISES)) await exercise(scene);
  while (await handOutEvent(keyring, userView));
  for (const { _id, payload } of await WebhookEvent.find().lean())
    sent.push(JSON.parse(openPayload(keyring, { _id, payload: payload ?? '' })));
  // Every route, each with sign-ins: on a busy machine that takes its time.
}, 240_000);
afterAll(() => service.close());

describe('the catalogue of events', () => {
  it('is what the OpenAPI document describes', () => {
    expect(Object.keys(document().webhooks)).toEqual(SENT_EVENT_TYPES);
  });

  it('holds nothing that does not happen when every route is used', () => {
    const seen = new Set(sent.map(({ type }) => type));
    expect(WEBHOOK_EVENT_TYPES.filter((type) => !seen.has(type))).toEqual([]);
  });
});

it('whatever is sent fits the schema of its type, and tells of no secret', () => {
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

it('an account that is gone is told of without it', () => {
  const gone = sent.filter(({ type, data }) => type === GONE && data.user === null);
  expect(gone.length).toBeGreaterThan(0);
});
