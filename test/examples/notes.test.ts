import mongoose from 'mongoose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { notebook } from '../../examples/notes/index.ts';
import { resourceExercises } from '../../src/explain/exercise-resources.ts';
import { Scene } from '../../src/explain/scene.ts';
import { toId } from '../../src/models/ids.ts';
import { differences } from '../../src/schema-check/compare.ts';
import { expectedShape, readShape } from '../../src/schema-check/shape.ts';
import type { TestApp } from '../helpers/app.ts';
import { commandsOf } from '../helpers/commands.ts';
import { buildNotebookApp } from '../helpers/notebook.ts';
import { outcome } from '../helpers/parallel.ts';
import { type Person, person } from '../helpers/people.ts';

let service: TestApp;
let ada: Person;
let bob: Person;
let admin: Person;
beforeAll(async () => {
  service = await buildNotebookApp();
  [ada, bob, admin] = [await person(service), await person(service), await person(service, { roles: ['admin'] })];
});
afterAll(() => service.close());

const db = () => mongoose.connection.getClient().db(mongoose.connection.name);

const note = async (who: Person, more: object = {}) => {
  const response = await who.call('POST', '/v1/notes', { title: 'Roses', ...more });
  expect(response.statusCode, response.body).toBe(201);
  return response.json();
};
interface Described {
  readonly properties: Readonly<Record<string, { readonly description: string }>>;
}

const tag = async (who: Person, name: string) => (await who.call('POST', '/v1/note-tags', { name })).json();

it('has the shape that its migration makes', async () => {
  expect(differences(expectedShape(), (await readShape(db())) as never)).toEqual([]);
});

describe.each(Object.entries(resourceExercises(notebook)))('%s', (_route, exercise) => {
  it('does what its kind does', async () => {
    const scene = new Scene(service.app);
    await exercise(scene);
    expect(scene.recorded.length).toBeGreaterThan(0);
  });
});

it('keeps notes to their owner', async () => {
  const { id } = await note(ada);
  for (const who of [bob, admin])
    for (const method of ['GET', 'PATCH', 'DELETE'] as const) {
      const body = method === 'PATCH' ? { title: 'X' } : undefined;
      expect(outcome(await who.call(method, `/v1/notes/${id}`, body))).toBe('404 not-found');
    }
  expect((await bob.call('GET', '/v1/notes')).json().items).toEqual([]);
  expect((await admin.call('GET', `/v1/admin/notes/${id}`)).json()).toMatchObject({ id, title: 'Roses' });
});

it('shows a remark to administration alone, which alone writes it', async () => {
  const { id } = await note(ada);
  const changed = await admin.call('PATCH', `/v1/admin/notes/${id}`, { remark: 'seen' });
  expect(changed.json()).toMatchObject({ remark: 'seen' });
  expect((await ada.call('GET', `/v1/notes/${id}`)).json()).not.toHaveProperty('remark');
  expect(outcome(await ada.call('PATCH', `/v1/notes/${id}`, { remark: 'x' }))).toBe('400 validation-failed');
});

it('null in a change removes, or sets what a new one has', async () => {
  const { id } = await note(ada, { colour: 'green', text: 'Twice a week.' });
  const changed = await ada.call('PATCH', `/v1/notes/${id}`, { colour: null, text: null });
  expect(changed.json()).toMatchObject({ colour: 'white' });
  expect(changed.json()).not.toHaveProperty('text');
  const stored = await mongoose.connection.collection('notes').findOne({ _id: toId(id) });
  expect(stored).toMatchObject({ colour: 'white' });
  const { components } = service.app.swagger() as unknown as { components: { schemas: Record<string, Described> } };
  const { colour, text } = components.schemas['NotePatch']?.properties ?? {};
  expect([colour?.description, text?.description]).toEqual(['`null` sets the default.', '`null` removes it.']);
});

it('a list with two includes costs three queries, whatever its length', async () => {
  const own = await person(service);
  const words = await Promise.all(['a', 'b', 'c'].map((name) => tag(own, name)));
  for (let n = 0; n < 12; n += 1) {
    const { id } = await note(own);
    for (const { id: tagId } of words) await own.call('PUT', `/v1/notes/${id}/tags/${tagId}`, { place: n + 1 });
  }
  for (const limit of [1, 12]) {
    const sent = await commandsOf(async () => {
      const page = (await own.call('GET', `/v1/notes?include=tags,user&limit=${limit}`)).json();
      expect(page.items).toHaveLength(limit);
      expect(page.items[0].tags).toHaveLength(3);
      expect(page.included.tags).toHaveLength(3);
      expect(page.included.user).toEqual([{ id: own.id }]);
    });
    expect(sent).toEqual(['find sessions', 'find notes', 'aggregate note_taggings', 'find users']);
  }
});
