import mongoose from 'mongoose';
import { mount } from '../../src/collections/index.ts';
import { buildTestApp, type TestApp } from './app.ts';
import { articles, subjects } from './catalogue-articles.ts';
import { chores, remarks, rooms } from './catalogue-chores.ts';
import type { Person } from './people.ts';
import { watchAnswers } from './undeclared.ts';

/** The service with collections that only these tests have. */
export async function buildCatalogueApp(): Promise<TestApp & { undeclared(): string[] }> {
  const topics = subjects();
  const all = [articles(() => topics), topics, chores(), rooms(), remarks()];
  const unmount = mount(...all);
  const service = await buildTestApp();
  const models = all.flatMap(({ collections }) => collections.map(({ model }) => mongoose.model(model.modelName)));
  for (const model of models) {
    await model.createCollection();
    await model.createIndexes();
  }
  return {
    ...service,
    undeclared: watchAnswers(service),
    close: async () => {
      for (const model of models) await model.collection.drop();
      await service.close();
      unmount();
    },
  };
}

let count = 0;

/** Makes one by its route. @returns it, as its maker sees it */
export async function made(who: Person, url: string, body: object): Promise<{ id: string } & Record<string, unknown>> {
  const response = await who.call('POST', `/v1${url}`, body);
  if (response.statusCode !== 201) throw new Error(`${url} answered ${response.statusCode}: ${response.body}`);
  return response.json();
}

export const article = (more: object = {}) => ({ title: 'Looms', published: true, listed: false, rank: 1, ...more });

export const subject = (more: object = {}) => ({ name: `subject ${++count}`, open: true, ...more });

export const chore = (groupId: string, more: object = {}) => ({
  groupId,
  title: `Chore ${++count}`,
  level: 'low',
  done: false,
  weight: 1,
  cost: '1.50',
  dueAt: '2026-12-01T00:00:00.000Z',
  ...more,
});
