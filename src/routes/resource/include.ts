import type { FastifyRequest } from 'fastify';
import { documentModel, type StoredDocument } from '../../models/document.ts';
import {
  type Included,
  includeLinked,
  includeParents,
  type Junction,
  type Target,
} from '../../models/document-include.ts';
import type { Includable, LinkRelation, Plan, RelationToInclude } from './declaration.ts';
import { callerOf } from './reach.ts';
import { wireValue } from './show.ts';

/** What a request asked for beside its documents. */
export interface Inclusions {
  /** By the name of the relation, in the view of what is included. */
  readonly included: Readonly<Record<string, unknown[]>>;
  /** What the junctions say of one document, by the name of the relation. */
  readonly linksOf: (document: StoredDocument) => Record<string, unknown>;
}

export const junctionOf = ({ through, from, to }: LinkRelation): Junction => ({
  model: documentModel(through.modelName),
  from,
  to,
});

/** Documents of the other end as the caller may see them; null for none. */
export async function targetFor(of: Includable, request: FastifyRequest): Promise<Target | null> {
  const caller = callerOf(request);
  const filter = await of.visibleTo(caller);
  if (filter === null) return null;
  return { model: documentModel(of.modelName), filter, projection: await of.projectionFor(caller) };
}

async function load(
  relation: RelationToInclude,
  documents: readonly StoredDocument[],
  request: FastifyRequest,
): Promise<Included> {
  const target = await targetFor(relation.of(), request);
  if (target === null) return { documents: [], ...(relation.kind === 'links' && { links: new Map() }) };
  if (relation.kind === 'parent') return includeParents(documents, relation.path, target);
  return includeLinked(documents, junctionOf(relation), target);
}

/** Loads what `include` names, one query for each relation. */
export async function inclusionsOf(
  { include }: Plan,
  asked: string | undefined,
  documents: readonly StoredDocument[],
  request: FastifyRequest,
): Promise<Inclusions | undefined> {
  if (asked === undefined) return undefined;
  const included: Record<string, unknown[]> = {};
  const linkers: ((document: StoredDocument) => Record<string, unknown>)[] = [];
  for (const name of new Set(asked.split(','))) {
    const relation = include[name];
    if (!relation) continue;
    const { documents: found, links } = await load(relation, documents, request);
    const { show } = relation.of();
    included[name] = found.map((document) => show(document, request.server.deps.keyring));
    if (relation.kind === 'links')
      linkers.push(({ _id }) => ({
        [name]: (links?.get(_id.toHexString()) ?? []).map((link) => linkView(relation, link)),
      }));
  }
  return { included, linksOf: (document) => Object.assign({}, ...linkers.map((linker) => linker(document))) };
}

/** What a link says, on the wire. */
export const linkView = ({ to, fields }: RelationToInclude & { kind: 'links' }, link: StoredDocument) => ({
  id: String(link[to]),
  ...Object.fromEntries(
    Object.keys(fields).flatMap((field) => (link[field] == null ? [] : [[field, wireValue(link[field])]])),
  ),
});
