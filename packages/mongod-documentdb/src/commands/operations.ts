import { type Doc, decode, decodeExact, docOf, docsOf, encode, splitSequence } from '../bson.ts';
import type { Isolation, Request } from '../gateway/command.ts';
import { OPERATIONS } from '../gateway/request.ts';

/** The operations of an insert, update or delete, where they travelled in the command itself. */
function listed(request: Request): readonly unknown[] | undefined {
  const value = request.doc[OPERATIONS[request.name] ?? ''];
  return Array.isArray(value) ? value : undefined;
}

const split = ({ sequence }: Request): Buffer[] => [...splitSequence(sequence ?? Buffer.alloc(0))];

/** The operations of an insert, update or delete, each for `decodeOperation`. */
export function operationsOf(request: Request): readonly unknown[] {
  return listed(request) ?? split(request);
}

/** An operation of an update or delete, or the document of an insert. */
export function decodeOperation(operation: unknown): Doc {
  return operation instanceof Uint8Array ? decode(operation) : docOf(operation);
}

/** The same command with those of its operations that are at `indexes`. */
function withOperations(request: Request, indexes: readonly number[]): Request {
  const pick = <T>(from: readonly T[]): T[] => indexes.flatMap((index) => from.slice(index, index + 1));
  const inDoc = listed(request);
  if (inDoc === undefined) return { ...request, sequence: Buffer.concat(pick(split(request))) };
  const field = OPERATIONS[request.name] ?? '';
  const exact = decodeExact(request.body);
  const body = encode({ ...exact, [field]: pick(docsOf(exact[field])) });
  return { ...request, doc: { ...request.doc, [field]: pick(inDoc) }, body };
}

/**
 * How an update or a delete keeps apart from others. One of many documents goes on with whatever they have become,
 * where it would never come to an end by beginning anew for each that changes.
 */
export function isolationOf(request: Request): Isolation {
  const only = onlyOperation(request);
  if (only === undefined) return { snapshot: true };
  const isOfMany = request.name === 'update' ? only['multi'] === true : only['limit'] === 0;
  return isOfMany ? { snapshot: false } : { snapshot: true, turn: turnOf(request, only['q']) };
}

/** What writes to the same documents have in common, as far as that can be told from their queries. */
export function turnOf(request: Request, query: unknown): string {
  return `${request.db}.${request.collection} ${encode(docOf(query)).toString('latin1')}`;
}

function onlyOperation(request: Request): Doc | undefined {
  const inDoc = listed(request);
  if (inDoc !== undefined) return inDoc.length === 1 ? decodeOperation(inDoc[0]) : undefined;
  const { sequence } = request;
  return sequence !== null && sequence.readInt32LE(0) === sequence.length ? decode(sequence) : undefined;
}

/** What is left of a batch. */
interface Rest {
  readonly request: Request;
  /** Puts the reply to the rest together with the reply to what is done. */
  readonly join: (done: Doc, more: Doc) => Doc;
}

/**
 * What is left of a batch when the operations at `conflicts` were not done: those, and when they are ordered, all that
 * were to follow. `undefined` when that is the whole batch.
 */
export function restOf(request: Request, conflicts: readonly number[]): Rest | undefined {
  const count = operationsOf(request).length;
  const [first = count] = conflicts;
  const isOrdered = request.doc['ordered'] !== false;
  const indexes = isOrdered ? Array.from({ length: count - first }, (_, i) => first + i) : conflicts;
  if (indexes.length === count) return undefined;
  return {
    request: withOperations(request, indexes),
    join: (done, more) => joined(done, more, indexes),
  };
}

/** `indexes`: where the operations of the second reply stand in the batch. */
function joined(done: Doc, more: Doc, indexes: readonly number[]): Doc {
  const both = (field: string): Doc[] | undefined => {
    const moved = docsOf(more[field]).map((entry) => ({ ...entry, index: indexes[Number(entry['index'])] }));
    const all = [...docsOf(done[field]), ...moved];
    return all.length > 0 ? all.sort((a, b) => Number(a['index']) - Number(b['index'])) : undefined;
  };
  const sum = (field: string): number | undefined =>
    field in done ? Number(done[field]) + Number(more[field]) : undefined;
  return {
    ...done,
    n: sum('n'),
    nModified: sum('nModified'),
    upserted: both('upserted'),
    writeErrors: both('writeErrors'),
  };
}
