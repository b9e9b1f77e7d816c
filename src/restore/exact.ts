import { BSON, type Document } from 'mongodb';

/** As BSON types, not as JavaScript's nearest: a number must not come out as another type than it went in. */
export const EXACT = Object.freeze({
  promoteValues: false,
  promoteLongs: false,
  promoteBuffers: false,
  bsonRegExp: true,
});

/**
 * A document that is stored as the bytes that it was. An object of JavaScript has names that are numbers in front,
 * wherever they stood: where that would change it, there is a map, which keeps the order.
 */
export function exactly(bytes: Uint8Array): Document {
  const document = BSON.deserialize(bytes, EXACT);
  return Buffer.compare(BSON.serialize(document), bytes) === 0 ? document : (ordered(bytes, document) as Document);
}

const DOCUMENT = 3;
const ARRAY = 4;

function ordered(bytes: Uint8Array, value: Document): unknown {
  const members = [...BSON.onDemand.parseToElements(bytes)].map(([type, nameAt, nameLength, at, length]) => {
    const name = Buffer.from(bytes.subarray(nameAt, nameAt + nameLength)).toString();
    const own = value[name];
    // References are objects of their own kind, with an order of their own.
    const isNested = type === ARRAY || (type === DOCUMENT && own._bsontype === undefined);
    return [name, isNested ? ordered(bytes.subarray(at, at + length), own) : own] as const;
  });
  if (Array.isArray(value)) return members.map(([, member]) => member);
  const isInOrder = Object.keys(value).every((name, n) => name === members[n]?.[0]);
  return isInOrder ? Object.fromEntries(members) : new Map(members);
}
