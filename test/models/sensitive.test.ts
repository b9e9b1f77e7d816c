import { randomBytes } from 'node:crypto';
import type { Document } from 'mongodb';
import { Schema, Types } from 'mongoose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DecryptionError, generateKeyringSpec, parseKeyring } from '../../src/lib/keyring.ts';
import { IdempotencyKey } from '../../src/models/idempotency-key.ts';
import { openBytes, openJson, openText, seal, sensitivePaths } from '../../src/models/sensitive.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { UNOPENABLE } from '../helpers/ciphertexts.ts';

const keyring = parseKeyring(generateKeyringSpec());

const schema = new Schema({
  iban: { type: String, sensitive: 'When somebody is paid.' },
  bank: { account: { type: String, sensitive: 'Never.' }, name: String },
});
const Payee = { schema, collection: { collectionName: 'payees' } };

describe('a sensitive value', () => {
  const _id = new Types.ObjectId();

  it('comes back as the text, the JSON or the bytes that it was', () => {
    const bytes = randomBytes(32);
    expect(openText(keyring, Payee, { _id, ...seal(keyring, Payee, _id, { iban: 'DE02 – ü' }) }, 'iban')).toBe(
      'DE02 – ü',
    );
    const json = { a: [1, null], b: 'ü' };
    expect(openJson(keyring, Payee, { _id, ...seal(keyring, Payee, _id, { iban: json }) }, 'iban')).toEqual(json);
    expect(openBytes(keyring, Payee, { _id, ...seal(keyring, Payee, _id, { iban: bytes }) }, 'iban')).toEqual(bytes);
  });

  it('opens in its own document and path alone, and nothing opens as nothing', () => {
    const { iban } = seal(keyring, Payee, _id, { iban: 'DE02' });
    for (const [document, path] of [
      [{ _id: new Types.ObjectId(), iban }, 'iban'],
      [{ _id, 'bank.account': iban }, 'bank.account'],
      [{ _id }, 'iban'],
      [{ _id, iban: null }, 'iban'],
      [{ _id, iban: '' }, 'iban'],
      [{ _id, iban: 'DE02' }, 'iban'],
    ] as const)
      expect(() => openText(keyring, Payee, document as never, path as never), path).toThrow(DecryptionError);
  });

  it('is sealed and opened nowhere else', () => {
    expect(() => seal(keyring, Payee, _id, { 'bank.name': 'x' })).toThrow(
      'payees.bank.name is not marked as sensitive',
    );
    expect(() => openText(keyring, Payee, { _id, 'bank.name': UNOPENABLE }, 'bank.name')).toThrow('is not marked');
  });
});

describe('the mark', () => {
  it('is found at any depth', () => {
    const nested = new Schema({ pin: { type: String, sensitive: 'Rarely.' } }, { _id: false });
    const deep = new Schema({ iban: { type: String, sensitive: 'Often.' }, card: { type: nested } });
    expect(sensitivePaths(schema)).toEqual({ iban: 'When somebody is paid.', 'bank.account': 'Never.' });
    expect(sensitivePaths(deep)).toEqual({ iban: 'Often.', 'card.pin': 'Rarely.' });
  });

  it.each([
    ['a number', new Schema({ pin: { type: Number, sensitive: 'Never.' } })],
    ['a list', new Schema({ pins: { type: [String], sensitive: 'Never.' } })],
    ['a path of a list', new Schema({ cards: [new Schema({ pin: { type: String, sensitive: 'Never.' } })] })],
  ])('is refused on %s, which has no place that a ciphertext could be bound to', (_what, wrong) => {
    expect(() => sensitivePaths(wrong)).toThrow('what is sensitive is one text');
  });
});

describe('clear text', () => {
  let service: TestApp;
  beforeAll(async () => {
    service = await buildTestApp();
    await IdempotencyKey.create({ ...answer('kept'), body: UNOPENABLE });
  });
  afterAll(() => service.close());

  const answer = (_id: string): Document & { _id: string } => ({ _id, fingerprint: 'f', expiresAt: new Date(2 ** 42) });
  const native = () => IdempotencyKey.collection;
  const clear = { $set: { body: 'in clear' } };
  const _id = 'kept' as never;
  const upsert = { upsert: true };

  const ways: Record<string, () => Promise<unknown>> = {
    create: () => IdempotencyKey.create({ ...answer('a'), body: 'in clear' }),
    save: async () => {
      const kept = await IdempotencyKey.findById('kept');
      return kept?.set('body', 'in clear').save();
    },
    updateOne: () => IdempotencyKey.updateOne({ _id: 'kept' }, clear),
    updateMany: () => IdempotencyKey.updateMany({}, clear),
    findOneAndUpdate: () => IdempotencyKey.findOneAndUpdate({ _id: 'kept' }, clear),
    replaceOne: () => IdempotencyKey.replaceOne({ _id: 'kept' }, { ...answer('kept'), body: 'in clear' }),
    bulkWrite: () => IdempotencyKey.bulkWrite([{ updateOne: { filter: { _id: 'kept' }, update: clear } }]),
    'insertOne of the driver': () => native().insertOne({ ...answer('a'), body: 'in clear' } as never),
    'insertMany of the driver': () => native().insertMany([{ ...answer('a'), body: 'in clear' } as never]),
    'updateOne of the driver': () => native().updateOne({ _id }, clear),
    'a pipeline of the driver': () => native().updateOne({ _id }, [clear]),
    'an upsert of the driver': () =>
      native().updateOne({ _id: 'b' as never }, { $set: { ...answer('b'), body: 'x' } }, upsert),
    'findOneAndReplace of the driver': () =>
      native().findOneAndReplace({ _id }, { fingerprint: 'f', body: 'x' } as never),
    'bulkWrite of the driver': () => native().bulkWrite([{ updateOne: { filter: { _id }, update: clear } }]),
  };

  it.each(Object.entries(ways))('is refused by the database: %s', async (_way, write) => {
    await expect(write()).rejects.toMatchObject({ code: 121 });
    expect(await IdempotencyKey.distinct('body')).toEqual([UNOPENABLE]);
  });
});
