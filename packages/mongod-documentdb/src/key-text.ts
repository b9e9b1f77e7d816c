import { Binary, Decimal128, Double, Int32, Long, ObjectId } from 'bson';

/** A value as MongoDB writes it in the text of a duplicate key error. */
export function keyText(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof ObjectId) return `ObjectId('${value.toHexString()}')`;
  if (value instanceof Date) return `new Date(${value.getTime()})`;
  if (value instanceof Binary) return binaryText(value);
  if (value instanceof Decimal128 || value instanceof Long || value instanceof Double || value instanceof Int32) {
    return value.toString();
  }
  if (Array.isArray(value)) return `[ ${value.map(keyText).join(', ')} ]`;
  if (typeof value !== 'object') return String(value);
  const fields = Object.entries(value).map(([key, field]) => `${key}: ${keyText(field)}`);
  return `{ ${fields.join(', ')} }`;
}

function binaryText(value: Binary): string {
  if (value.sub_type === Binary.SUBTYPE_UUID) return `UUID("${value.toUUID().toHexString()}")`;
  return `BinData(${value.sub_type}, ${Buffer.from(value.buffer).toString('hex').toUpperCase()})`;
}
