import mongoose, { Schema, Types } from 'mongoose';
import { afterAll, beforeAll, vi } from 'vitest';
import { transaction } from '../../src/database.ts';
import { markDeleted, unmarkDeleted } from '../../src/models/deletion.ts';
import { addLifeIndexes, LIFE_FIELDS } from '../../src/models/life.ts';
import { holdParent } from '../../src/models/parents.ts';
import { type AnyModel, type OnDelete, relationsOf } from '../../src/models/relations.ts';
import { buildTestApp, type TestApp } from './app.ts';

/** Any document of these models. */
export type Stored = Record<string, unknown> & {
  _id: Types.ObjectId;
  revision: number;
  deletedAt?: Date;
  purgeAt?: Date;
};

const to = (ref: string, onDelete: OnDelete) => ({ type: Schema.Types.ObjectId, ref, onDelete });
const text = { type: String };

/**
 * What a team might add: projects of an account, their tasks and milestones (a task may belong to one of each), comments
 * on tasks and on comments, tags, the tags of tasks, and invoices that keep an account from going.
 */
const SCHEMAS: Readonly<Record<string, readonly [collection: string, fields: Record<string, object>]>> = {
  TrialProject: ['trial_projects', { name: text, ownerId: to('User', 'cascade') }],
  TrialMilestone: ['trial_milestones', { projectId: to('TrialProject', 'cascade') }],
  TrialTask: [
    'trial_tasks',
    {
      projectId: to('TrialProject', 'cascade'),
      milestoneId: to('TrialMilestone', 'cascade'),
      assigneeId: to('User', 'nullify'),
    },
  ],
  TrialComment: [
    'trial_comments',
    {
      taskId: to('TrialTask', 'cascade'),
      inReplyTo: to('TrialComment', 'cascade'),
      authorId: to('User', 'anonymise'),
      authorName: { ...text, personal: true },
      text,
    },
  ],
  TrialTag: ['trial_tags', { projectId: to('TrialProject', 'cascade'), name: text }],
  TrialTaskTag: [
    'trial_task_tags',
    { taskId: to('TrialTask', 'cascade'), tagId: to('TrialTag', 'restrict'), weight: { type: Number } },
  ],
  TrialInvoice: ['trial_invoices', { ownerId: to('User', 'restrict') }],
};

const snake = (path: string) => path.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function define(name: string, collection: string, fields: Record<string, object>): AnyModel {
  const schema = new Schema({ ...LIFE_FIELDS, ...fields }, { collection, versionKey: false, id: false });
  for (const [path, field] of Object.entries(fields))
    if ('ref' in field) schema.index({ [path]: 1, _id: 1 }, { name: `idx_${collection}_${snake(path)}` });
  addLifeIndexes(schema, collection);
  return mongoose.model(name, schema) as AnyModel;
}

export interface DomainTrial {
  readonly service: TestApp;
  /** Removes all documents of these models. */
  empty(): Promise<void>;
}

/**
 * For the tests of a file: the service, with these models and their collections in its database. They are gone before the
 * file ends, as other files of the process compare all models with the list of collections.
 */
export function domainTrial(): DomainTrial {
  let service: TestApp;
  let models: AnyModel[] = [];
  beforeAll(async () => {
    service = await buildTestApp();
    models = Object.entries(SCHEMAS).map(([name, [collection, fields]]) => define(name, collection, fields));
    for (const model of models) {
      await model.createCollection();
      await model.createIndexes();
    }
  });
  afterAll(async () => {
    for (const model of models) {
      await model.collection.drop();
      mongoose.deleteModel(model.modelName);
    }
    await service.close();
  });
  return {
    get service() {
      return service;
    },
    empty: async () => {
      for (const model of models) await model.collection.deleteMany({});
    },
  };
}

export const domainModel = (name: string): AnyModel => mongoose.model(name) as AnyModel;

/** A document with what every one has, ready to be written. */
export const newDocument = (fields: Record<string, unknown> = {}): Stored => {
  const at = new Date();
  return { _id: new Types.ObjectId(), createdAt: at, updatedAt: at, revision: 1, ...fields };
};

/** Stores one document, whatever it refers to. */
export async function stored(name: string, fields: Record<string, unknown> = {}): Promise<Types.ObjectId> {
  const document = newDocument(fields);
  await domainModel(name).collection.insertOne(document);
  return document._id;
}

/** Stores many that are alike. */
export async function storedMany(
  name: string,
  count: number,
  fields: Record<string, unknown>,
): Promise<Types.ObjectId[]> {
  const documents = Array.from({ length: count }, () => newDocument(fields));
  await domainModel(name).collection.insertMany(documents);
  return documents.map(({ _id }) => _id);
}

export const read = (name: string, id: Types.ObjectId): Promise<Stored | null> =>
  domainModel(name).findById(id).lean<Stored>().exec();

/** How many documents match. */
export const count = (name: string, filter: Record<string, unknown> = {}): Promise<number> =>
  domainModel(name).countDocuments(filter);

export const DAY_MS = 86_400_000;

/** Deletes a document as a request does. @returns whether it was there */
export async function remove(name: string, id: Types.ObjectId, days = 30): Promise<boolean> {
  const now = new Date();
  const purgeAt = new Date(now.getTime() + days * DAY_MS);
  const gone = await transaction((tx) => markDeleted(tx, { modelName: name }, { _id: id }, { purgeAt, now }));
  return gone !== null;
}

/** Restores a document as a request does. @returns whether it was there */
export async function restore(name: string, id: Types.ObjectId): Promise<boolean> {
  const back = await transaction((tx) => unmarkDeleted(tx, { modelName: name }, { _id: id }, new Date()));
  return back !== null;
}

/** Makes a document under a parent as a request does. @returns its id; undefined when the parent is not live */
export const insertUnder = (
  parentName: string,
  parentId: Types.ObjectId,
  name: string,
  fields: Record<string, unknown>,
): Promise<Types.ObjectId | undefined> =>
  transaction(async (tx) => {
    if (!(await holdParent(tx, parentName, { _id: parentId }))) return undefined;
    const document = newDocument(fields);
    await domainModel(name).collection.insertOne(document, { session: tx });
    return document._id;
  });

/** References of all these models that point to nothing, as `tasks.projectId`. */
export async function orphans(): Promise<string[]> {
  const dangling = Object.keys(SCHEMAS).flatMap((name) =>
    relationsOf(name).map(async ({ child, path, parentName }) => {
      const ids = await child.distinct(path);
      const there = await domainModel(parentName).countDocuments({ _id: { $in: ids } });
      return there === ids.length ? [] : [`${child.collection.collectionName}.${path}`];
    }),
  );
  return (await Promise.all(dangling)).flat();
}

/** Live documents that belong to something deleted, by collection: none once all is settled. */
export async function leftBehind(): Promise<string[]> {
  const found = Object.keys(SCHEMAS).flatMap((name) =>
    relationsOf(name).map(async ({ child, path, parentName, onDelete }) => {
      if (onDelete !== 'cascade' || parentName === 'User') return [];
      const gone = await domainModel(parentName).distinct('_id', { deletedAt: { $exists: true } });
      const behind = await child.countDocuments({ [path]: { $in: gone }, deletedAt: { $exists: false } });
      return behind === 0 ? [] : [`${behind} of ${child.collection.collectionName} by ${path}`];
    }),
  );
  return (await Promise.all(found)).flat();
}

type Method = (...args: unknown[]) => unknown;

/** Lets the first calls of a method through and breaks off at the next, until mocks are restored. */
export function killAfter<T extends object, M extends keyof T & string>(calls: number, target: T, method: M): void {
  const run = target[method] as Method;
  let left = calls;
  vi.spyOn(target as Record<string, Method>, method).mockImplementation((...args) => {
    left -= 1;
    if (left < 0) throw new Error('killed');
    return run.apply(target, args);
  });
}

/** Does `work` before the next call of a method that is awaited. */
export function beforeNext<T extends object, M extends keyof T & string>(
  target: T,
  method: M,
  work: () => Promise<unknown>,
): void {
  const run = target[method] as Method;
  vi.spyOn(target as Record<string, Method>, method).mockImplementationOnce(async (...args) => {
    await work();
    return run.apply(target, args);
  });
}
