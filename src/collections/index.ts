import mongoose, { type Connection, mongo } from 'mongoose';
import { allModelsAreLoaded } from '../models/relations.ts';
import { invitations } from '../routes/invitation.ts';
import { memberships } from '../routes/membership.ts';
import type { Resource } from '../routes/resource/declaration.ts';
import { teams } from '../routes/team.ts';
import { activityDaily } from './activity.ts';
import { apiKeys } from './api-key.ts';
import { auditEvents } from './audit-event.ts';
import { auditSeals } from './audit-seal.ts';
import { backups } from './backup.ts';
import { credentials } from './credential.ts';
import { type Collection, type IndexDefinition, indexDefinition, type StoredModel } from './define.ts';
import { erasures } from './erasure.ts';
import { guards } from './guard.ts';
import { idempotencyKeys } from './idempotency-key.ts';
import { identities } from './identity.ts';
import { jobs } from './job.ts';
import { journal } from './journal.ts';
import { journalShipping } from './journal-shipping.ts';
import { oneTimeTokens } from './one-time-token.ts';
import { outbox } from './outbox.ts';
import { rateLimits } from './rate-limit.ts';
import { sessions } from './session.ts';
import { signingKeys } from './signing-key.ts';
import { users } from './user.ts';
import { webhooks } from './webhook.ts';
import { webhookDeliveries } from './webhook-delivery.ts';
import { webhookEvents } from './webhook-event.ts';

/** Domain collections with their routes: what a team adds is one line here. */
const domain: Resource[] = [teams, memberships, invitations];

/** Resources, in the order in which their routes are registered. */
export const resources: readonly Resource[] = domain;

const core: readonly Collection[] = [
  users,
  sessions,
  oneTimeTokens,
  credentials,
  identities,
  apiKeys,
  outbox,
  signingKeys,
  auditEvents,
  erasures,
  auditSeals,
  activityDaily,
  guards,
  jobs,
  backups,
  webhooks,
  webhookEvents,
  webhookDeliveries,
  journal,
  journalShipping,
  idempotencyKeys,
  rateLimits,
];

allModelsAreLoaded();

const listed: Collection[] = [...core, ...domain.flatMap((each) => each.collections)];

/**
 * The one list of collections. What goes over all data goes over this list, so a collection that is not in it has no
 * documentation and no drift check; a test fails for a model that is missing.
 */
export const collections: readonly Collection[] = listed;

/**
 * Adds resources that stand in a module of their own, before the service is built; their migrations are theirs to run.
 * @returns what takes them away again
 */
export function mount(...more: readonly Resource[]): () => void {
  const models = more.flatMap((each) => each.models);
  for (const model of models) register(model);
  domain.push(...more);
  listed.push(...more.flatMap((each) => each.collections));
  return () => {
    domain.splice(domain.length - more.length);
    listed.splice(listed.length - models.length);
    for (const { modelName } of models) mongoose.deleteModel(modelName);
  };
}

/** A model that was taken away before is one again: its module is loaded once. */
function register(model: StoredModel): void {
  const { modelName, collection } = model;
  const registry = mongoose.connection as unknown as {
    models: Record<string, StoredModel>;
    collections: Record<string, object>;
  };
  registry.models[modelName] ??= model;
  registry.collections[collection.collectionName] ??= collection;
}

const NAMESPACE_NOT_FOUND = 26;

/**
 * Unique indexes of the models that the database lacks, as `users: idx_users_email`. Without one, a rule that this
 * service relies on is not enforced by anything.
 */
export async function missingUniqueIndexes(connection: Connection): Promise<string[]> {
  const db = connection.getClient().db(connection.name);
  const missing = collections.map(async ({ name, indexDefinitions }) => {
    const needed = indexDefinitions.filter(({ unique }) => unique);
    if (needed.length === 0) return [];
    const present = await db.collection(name).indexes().catch(noneOfMissing);
    return needed
      .filter((index) => !present.some((other) => enforces(indexDefinition(other), index)))
      .map((index) => `${name}: ${index.name}`);
  });
  return (await Promise.all(missing)).flat();
}

function noneOfMissing(error: unknown): [] {
  if (error instanceof mongo.MongoServerError && error.code === NAMESPACE_NOT_FOUND) return [];
  throw error;
}

/** The name does not matter, the rule does; and a unique index over a part of the documents is a weaker rule. */
const enforces = (present: IndexDefinition, needed: IndexDefinition): boolean =>
  present.unique &&
  JSON.stringify(present.key) === JSON.stringify(needed.key) &&
  present.sparse === needed.sparse &&
  JSON.stringify(present.partialFilterExpression) === JSON.stringify(needed.partialFilterExpression);
