import { BSON, deserialize } from 'bson';

/** A decoded document. Values are BSON types or the plain JavaScript values that stand for them. */
export type Doc = Record<string, unknown>;

/** Decodes for reading: numbers and longs become JavaScript numbers where they fit. */
export function decode(bytes: Uint8Array): Doc {
  return deserialize(bytes);
}

/** Decodes for changing and sending on: int32, double and long stay apart. */
export function decodeExact(bytes: Uint8Array): Doc {
  return deserialize(bytes, { promoteValues: false, promoteLongs: false, bsonRegExp: true });
}

/**
 * Decodes a command. The documents of an insert stay raw (`Uint8Array`): the gateway looks at them only when one
 * of them is refused, and decoding them would be most of the work of an insert.
 */
export function decodeCommand(bytes: Buffer): Doc {
  return deserialize(bytes, startsWithKey(bytes, 'insert') ? { fieldsAsRaw: { documents: true } } : {});
}

/** Encodes; fields whose value is `undefined` are left out. */
export function encode(doc: Doc): Buffer {
  const bytes = BSON.serialize(doc, { ignoreUndefined: true });
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The reply of a command that succeeded. */
export function okReply(fields: Doc = {}): Buffer {
  return encode({ ...fields, ok: 1 });
}

/** Whether `value` is a document, as opposed to an array, a date or a BSON type such as ObjectId. */
export function isDoc(value: unknown): value is Doc {
  return (
    value !== null &&
    typeof value === 'object' &&
    !Array.isArray(value) &&
    !(value instanceof Date) &&
    !(value instanceof Uint8Array) &&
    !('_bsontype' in value)
  );
}

/** `value` if it is a document, else an empty one. */
export function docOf(value: unknown): Doc {
  return isDoc(value) ? value : {};
}

/** The documents of an array; anything else is skipped. */
export function docsOf(value: unknown): Doc[] {
  return Array.isArray(value) ? value.filter(isDoc) : [];
}

/** The documents of a wire protocol document sequence, one after another without separators. */
export function* splitSequence(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at + 5 <= bytes.length; ) {
    const length = bytes.readInt32LE(at);
    if (length < 5) return;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

function startsWithKey(bytes: Buffer, key: string): boolean {
  const end = 5 + key.length;
  return bytes[end] === 0 && bytes.toString('latin1', 5, end) === key;
}
