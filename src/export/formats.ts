import { stringify } from 'csv-stringify/sync';
import { type PortableFormat, ROLE_SEPARATOR } from '../lib/portable-format.ts';
import type { UserRecord } from '../models/user.ts';
import { PORTABLE_FIELDS } from '../schemas/portable-user.ts';

type Field = (typeof PORTABLE_FIELDS)[number];

/** How accounts are written in a format: what stands before them all, and the line of each. */
interface Writer {
  readonly header: string;
  line(user: UserRecord): string;
}

/** @param withPasswordHash whether there is a place for it */
export function writerOf(format: PortableFormat, withPasswordHash: boolean): Writer {
  const fields = PORTABLE_FIELDS.filter((field) => withPasswordHash || field !== 'passwordHash');
  if (format === 'ndjson') return { header: '', line: (user) => `${JSON.stringify(portable(user, fields))}\n` };
  return { header: stringify([fields]), line: (user) => stringify([fields.map((field) => cell(user, field))]) };
}

/** JSON leaves out what is undefined, and writes times in ISO 8601. */
const portable = (user: UserRecord, fields: readonly Field[]): Record<string, unknown> =>
  Object.fromEntries(fields.map((field) => [field, user[field] ?? undefined]));

function cell(user: UserRecord, field: Field): string {
  const value: unknown = user[field] ?? '';
  if (field === 'roles') return user.roles.join(ROLE_SEPARATOR);
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'string' ? value : JSON.stringify(value);
}
