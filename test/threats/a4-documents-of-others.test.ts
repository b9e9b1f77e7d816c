// A4, D1 and D2 for domain collections. Elsewhere a generated route checked who owns a record after it had been loaded,
// or not at all for the route that somebody added last; a deleted record showed up through a relation; an erased account
// left what it had made behind. Here each collection of the list is tried, whichever there are.

import mongoose from 'mongoose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { notebook } from '../../examples/notes/index.ts';
import { collections, resources } from '../../src/collections/index.ts';
import { makeDocument } from '../../src/explain/exercise-resources.ts';
import { AuditEvent } from '../../src/models/audit-event.ts';
import { toId } from '../../src/models/ids.ts';
import type { Operation, Plan, Resource } from '../../src/routes/resource/declaration.ts';
import { linkPlans } from '../../src/routes/resource/links.ts';
import type { TestApp } from '../helpers/app.ts';
import { makerOf } from '../helpers/maker.ts';
import { buildNotebookApp } from '../helpers/notebook.ts';
import { ID_OF_NOTHING } from '../helpers/operations.ts';
import { outcome } from '../helpers/parallel.ts';
import { dump, type Person, person } from '../helpers/people.ts';

/** Those whose documents are made by a route of their own people. */
const owned = [...resources, ...notebook].filter(({ plans }) => ownPlan(plans)?.rules.create);

function ownPlan(plans: readonly Plan[]): Plan | undefined {
  return plans.find(({ kind }) => kind === 'own');
}

const planOf = ({ plans }: Resource): Plan => {
  const plan = ownPlan(plans);
  if (!plan) throw new Error('no routes of people');
  return plan;
};

let service: TestApp;
let ada: Person;
let bob: Person;
let admin: Person;
beforeAll(async () => {
  service = await buildNotebookApp();
  [ada, bob, admin] = [await person(service), await person(service), await person(service, { roles: ['admin'] })];
});
afterAll(() => service.close());

const make = (resource: Resource, as: Person) => makeDocument(makerOf(service, admin), resources, resource, as);

/** Requests to a document by its URL, one for each operation that there is. */
function requestsTo(plan: Plan, resource: Resource, url: string) {
  const body = Object.fromEntries(
    Object.entries(resource.sample('other')).filter(
      ([name]) => name in (plan.patch as unknown as { properties: object }).properties,
    ),
  );
  const all: Partial<
    Record<Operation, readonly [method: 'GET' | 'PATCH' | 'DELETE' | 'POST', url: string, body?: object]>
  > = {
    read: ['GET', url],
    update: ['PATCH', url, body],
    delete: ['DELETE', url],
    restore: ['POST', `${url}/restore`],
  };
  return Object.entries(all).flatMap(([operation, request]) => (plan.rules[operation as Operation] ? [request] : []));
}

describe.each(owned.map((resource) => [resource.plural, resource] as const))('%s', (_name, resource) => {
  it('of somebody else are not there, in the very words of what is not there', async () => {
    const plan = planOf(resource);
    const { url } = await make(resource, ada);
    const before = await dump({ except: ['rate_limits', 'audit_events'] });
    for (const stranger of [bob, admin]) {
      for (const [method, path, body] of requestsTo(plan, resource, url)) {
        const { requestId: _, ...theirs } = (await stranger.call(method, path, body)).json();
        const nothing = path.replace(url, url.replace(/[0-9a-f]{24}$/, ID_OF_NOTHING));
        const { requestId: __, ...expected } = (await stranger.call(method, nothing, body)).json();
        expect(theirs, `${method} ${path}`).toMatchObject({ status: 404, code: 'not-found' });
        expect(theirs).toEqual(expected);
      }
      for (const { relation, url: links } of linkPlans(plan)) {
        const other = `${links.replace(`${plan.path}/:id`, url)}/${ID_OF_NOTHING}`;
        for (const method of ['PUT', 'DELETE'] as const) {
          const body = method === 'PUT' && Object.keys(relation.fields).length > 0 ? {} : undefined;
          expect(outcome(await stranger.call(method, other, body))).toBe('404 not-found');
        }
      }
    }
    expect(await dump({ except: ['rate_limits', 'audit_events'] })).toBe(before);
  });

  it('of somebody else are in no list', async () => {
    const { url, id } = await make(resource, ada);
    const list = url.replace(`/${id}`, '');
    for (const stranger of [bob, admin]) {
      const page = await stranger.call('GET', `${list}?limit=100`);
      if (page.statusCode === 200) expect(page.json().items.map((item: { id: string }) => item.id)).not.toContain(id);
      else expect(outcome(page)).toBe('404 not-found');
    }
  });

  it('that are deleted are hidden, with one record of it, and come back as they were', async () => {
    const plan = planOf(resource);
    const { url, id } = await make(resource, ada);
    const list = url.replace(`/${id}`, '');
    const before = (await ada.call('GET', url)).json();
    if (plan.rules.delete === undefined) return;
    expect((await ada.call('DELETE', url)).statusCode).toBe(204);
    expect(outcome(await ada.call('GET', url))).toBe('404 not-found');
    const page = await ada.call('GET', `${list}?limit=100`);
    if (page.statusCode === 200) expect(page.json().items.map((item: { id: string }) => item.id)).not.toContain(id);
    const events = await AuditEvent.find({ 'target.id': id }).sort({ _id: 1 }).lean();
    expect(events.map(({ action, actor }) => [action, String(actor.id)])).toEqual([
      ['document.created', ada.id],
      ['document.deleted', ada.id],
    ]);
    const restoring = resource.plans.find(({ rules }) => rules.restore);
    if (!restoring) return;
    const by = restoring.kind === 'admin' ? admin : ada;
    const back = restoring.kind === 'admin' ? url.replace('/v1', '/v1/admin') : url;
    expect((await by.call('POST', `${back}/restore`)).statusCode).toBe(200);
    const { updatedAt: _, ...expected } = before;
    expect((await ada.call('GET', url)).json()).toMatchObject(expected);
  });

  it('of an erased account are gone, or say nothing of it', async () => {
    const gone = await person(service);
    const { id, url } = await make(resource, gone);
    // What a team has, it keeps while it has an owner.
    if (url.includes('/teams/')) await leaveTo(url, gone);
    expect((await admin.call('POST', `/v1/admin/users/${gone.id}/erase`, { reason: 'x' })).statusCode).toBe(200);
    for (const { name, relations } of collections) {
      for (const { path, to } of relations) {
        // The audit trail names accounts by their ids, and says nothing else of an erased one.
        if (to !== 'users' || name === 'audit_events') continue;
        expect(await mongoose.connection.collection(name).countDocuments({ [path]: toId(gone.id) }), name).toBe(0);
      }
    }
    const left = await mongoose.connection.collection(resource.plans[0]?.collection ?? '').findOne({ _id: toId(id) });
    if (left) expect(JSON.stringify(left)).not.toContain(gone.id);
  });
});

/** Makes somebody else the owner of the team in a URL. */
async function leaveTo(url: string, from: Person): Promise<void> {
  const [, teamId = ''] = /\/teams\/([0-9a-f]{24})/.exec(url) ?? [];
  await from.call('DELETE', `/v1/teams/${teamId}`);
}

it('there are collections to try', () => {
  expect(owned.map(({ plural }) => plural)).toEqual(
    expect.arrayContaining(['teams', 'invitations', 'notes', 'noteTags']),
  );
});
