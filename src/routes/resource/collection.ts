import { type Collection, defineCollection } from '../../collections/define.ts';
import { isAdminRule } from '../../lib/access-rules.ts';
import { type DocumentModel, documentModel } from '../../models/document.ts';
import { type OnDelete, relationsOf } from '../../models/relations.ts';
import { Id } from '../../schemas/common.ts';
import type { Plan, ResourceOptions } from './declaration.ts';
import { pluralOf, propertiesOf } from './plan.ts';

/** What every domain collection stores, in words. */
const LIFE: Readonly<Record<string, string>> = {
  _id: 'On the wire as `id`.',
  createdAt: 'Set once.',
  updatedAt: 'Moves with each change, also of what a reader is not shown.',
  revision: 'Moves with each change, also of what a reader is not shown; the `ETag` is made of it.',
  deletedAt: 'Of the soft delete.',
  purgeAt: 'Until then it can be restored; from then on it is removed for good.',
  deletedWith: 'The document whose deletion took this one along; it comes back with that one.',
  settling: 'What refers to it has still to follow its deletion or its restoration.',
  childrenRevision: 'Moves with each document that comes to refer to it, so that its deletion conflicts with that.',
};

const ON_DELETE: Readonly<Record<OnDelete, string>> = {
  restrict: 'Cannot go while these are there.',
  cascade: 'These are hidden with it, come back with it, and are purged with it.',
  nullify: 'These stay without the reference.',
  anonymise: 'These stay without the reference and without what is personal.',
};

const RETENTION =
  'Until it is deleted. A deleted one can be restored until `purgeAt` (`DELETED_DOCUMENT_RETENTION_DAYS` after the deletion); then the job `retention` removes it with all that belongs to it.';

/** The declaration of a domain collection for the one list of collections, from what its resource says. */
export function collectionOf(options: ResourceOptions<never>, plans: readonly Plan[]): Collection {
  const { schema, modelName } = documentModel(options.model.modelName);
  const stored = Object.keys(schema.paths);
  const isStored = (name: string) => stored.includes(name);
  const shownTo = (kind: Plan['kind']) =>
    plans.filter((plan) => plan.kind === kind).flatMap(({ view }) => Object.keys(propertiesOf(view)));
  const [own, admin] = [shownTo('own'), shownTo('admin')];
  const everyone = own.filter(isStored);
  const admins = [...new Set(admin)].filter((name) => isStored(name) && !everyone.includes(name));
  const rest = stored.filter((name) => !everyone.includes(name) && !admins.includes(name));
  const links = [...new Set([...own, ...admin])].filter((name) => name !== 'id' && !isStored(name));
  const said = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, wordsOf(options, name)]));
  const personal = relationsOf(modelName).some(({ parentName }) => parentName === 'User');
  return defineCollection({
    model: options.model,
    purpose: options.purpose,
    public: said(everyone),
    admin: said(admins),
    private: said(rest),
    ...(personal && { archived: [...everyone, ...admins].filter((name) => name !== '_id') }),
    computed: {
      id: '`_id` as 24 hexadecimal characters.',
      ...Object.fromEntries(
        links.map((name) => [name, name === 'included' ? 'What `include` asks for.' : `With \`include=${name}\`.`]),
      ),
    },
    indexes: indexTexts(options, schema),
    relations: referencesOf(modelName).sort(ownersFirst(options)),
    enums: options.enums ?? {},
    retention: options.retention ?? RETENTION,
    wire: plans.map(({ view }) => view),
  });
}

/** The junctions of its many-to-many relations: they have no routes of their own. */
export const junctionsOf = (options: ResourceOptions<never>): Collection[] =>
  Object.entries(options.include ?? {}).flatMap(([name, relation]) => {
    if (relation.kind !== 'links') return [];
    const { schema, modelName } = documentModel(relation.through.modelName);
    const words = (path: string): string => {
      const { description } = (relation.fields[path] ?? {}) as { description?: string };
      if (path === relation.from) return `The ${options.name}.`;
      return path === relation.to ? `One of its ${name}.` : (description ?? LIFE[path] ?? 'Of the link.');
    };
    return [
      defineCollection({
        model: relation.through,
        purpose: `Which ${name} ${pluralOf(options)} have.`,
        public: {},
        admin: {},
        private: Object.fromEntries(Object.keys(schema.paths).map((path) => [path, words(path)])),
        computed: {},
        indexes: indexTexts(options, schema),
        relations: referencesOf(modelName),
        enums: {},
        retention: 'As long as both of what it links.',
        wire: [],
      }),
    ];
  });

const indexTexts = (options: ResourceOptions<never>, schema: DocumentModel['schema']) =>
  Object.fromEntries(schema.indexes().map(([key, { name }]) => [String(name), servesText(options, key, String(name))]));

const referencesOf = (modelName: string) =>
  relationsOf(modelName).map(({ path, parentName, onDelete }) => ({
    path,
    to: documentModel(parentName).collection.collectionName,
    many: true,
    verb: 'has',
    onDelete: ON_DELETE[onDelete],
  }));

/** Whose a document is comes before whoever else it names: exports go by the first. */
function ownersFirst({ access }: ResourceOptions<never>) {
  const rules = Object.values(access)
    .flat()
    .filter((rule) => !isAdminRule(rule));
  const owner = rules.find((rule) => rule.kind === 'owner');
  const rank = (path: string) => Number(owner?.kind !== 'owner' || owner.path !== path);
  return (a: { path: string }, b: { path: string }) => rank(a.path) - rank(b.path);
}

/**
 * What every id says of itself says nothing of what this one is for, so it does not count.
 * @throws Error for a stored path of which nobody says what it is for
 */
function wordsOf({ schemas, private: hidden = {}, model }: ResourceOptions<never>, path: string): string {
  const { description } = (schemas.fields[path] ?? {}) as { description?: string };
  const words =
    hidden[path] ??
    (description === (Id as { description?: string }).description ? undefined : description) ??
    LIFE[path];
  if (words === undefined)
    throw new Error(`${model.modelName}.${path}: say what it is, by the description of its field or under "private"`);
  return words;
}

const LIFE_INDEXES: readonly (readonly [path: string, text: string])[] = [
  ['purgeAt', 'Deleted ones that are to be purged.'],
  ['settling', 'Those whose relations are still to follow them.'],
  ['deletedWith', 'What went with another, to come back with it.'],
  ['expiresAt', 'TTL: an expired one is removed. Expiry itself is compared at every use.'],
];

function servesText({ indexes = {} }: ResourceOptions<never>, key: object, name: string): string {
  const paths = Object.keys(key);
  const [, life] = LIFE_INDEXES.find(([path]) => path === paths[0]) ?? [];
  const listed = paths.filter((path) => path !== '_id').map((path) => `\`${path}\``);
  return indexes[name] ?? life ?? `Lists and references by ${listed.join(' and ')}.`;
}
