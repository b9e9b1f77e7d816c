import mongoose, { Schema, Types } from 'mongoose';
import { addLifeIndexes, LIFE_FIELDS } from '../../src/models/life.ts';
import type { AnyModel, OnDelete } from '../../src/models/relations.ts';

/** Any document of these models. */
export type Stored = Record<string, unknown> & { _id: Types.ObjectId; revision: number; deletedAt?: Date };

const to = (ref: string, onDelete: OnDelete) => ({ type: Schema.Types.ObjectId, ref, onDelete });
const text = { type: String };

/**
 * What a team might add: projects of an account, their tasks and milestones (a task may belong to one of each), comments
 * on tasks and on comments, tags, the tags of tasks, and invoices that keep an account from going.
 */
const SCHEMAS: Readonly<Record<string, readonly [collection: string, fields: Record<string, object>]>> = {
  Project: ['projects', { name: text, ownerId: to('User', 'cascade') }],
  Milestone: ['milestones', { projectId: to('Project', 'cascade') }],
  Task: [
    'tasks',
    {
      projectId: to('Project', 'cascade'),
      milestoneId: to('Milestone', 'cascade'),
      assigneeId: to('User', 'nullify'),
    },
  ],
  Comment: [
    'comments',
    {
      taskId: to('Task', 'cascade'),
      inReplyTo: to('Comment', 'cascade'),
      authorId: to('User', 'anonymise'),
      authorName: { ...text, personal: true },
      text,
    },
  ],
  Tag: ['tags', { projectId: to('Project', 'cascade'), name: text }],
  TaskTag: ['task_tags', { taskId: to('Task', 'cascade'), tagId: to('Tag', 'restrict'), weight: { type: Number } }],
  Invoice: ['invoices', { ownerId: to('User', 'restrict') }],
};

const snake = (path: string) => path.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function define(name: string, collection: string, fields: Record<string, object>): AnyModel {
  const schema = new Schema({ ...LIFE_FIELDS, ...fields }, { collection, versionKey: false, id: false });
  for (const [path, field] of Object.entries(fields))
    if ('ref' in field) schema.index({ [path]: 1, _id: 1 }, { name: `idx_${collection}_${snake(path)}` });
  addLifeIndexes(schema, collection);
  return mongoose.model(name, schema) as AnyModel;
}

/**
 * Makes the models and their collections in the database that mongoose is connected to. Whoever calls it removes them
 * again before the file ends, as other files of the process compare all models with the list of collections.
 */
export async function addDomainModels(): Promise<{ remove(): Promise<void> }> {
  const models = Object.entries(SCHEMAS).map(([name, [collection, fields]]) => define(name, collection, fields));
  for (const model of models) {
    await model.createCollection();
    await model.createIndexes();
  }
  return {
    remove: async () => {
      for (const model of models) {
        await model.collection.drop();
        mongoose.deleteModel(model.modelName);
      }
    },
  };
}

/** A document with what every one has, ready to be written. */
export const newDocument = (fields: Record<string, unknown>): Stored => {
  const at = new Date();
  return { _id: new Types.ObjectId(), createdAt: at, updatedAt: at, revision: 1, ...fields };
};

export const domainModel = (name: string): AnyModel => mongoose.model(name) as AnyModel;
