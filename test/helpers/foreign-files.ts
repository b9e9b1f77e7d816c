import { createReadStream, readFileSync } from 'node:fs';
import { checkAccount } from '../../src/import/account.ts';
import type { Entry } from '../../src/import/entries.ts';
import { readForeignEntries } from '../../src/import/foreign-entries.ts';
import { parseFirebaseHashConfig } from '../../src/import/formats/firebase-hash-config.ts';
import type { FormatOptions } from '../../src/import/formats/format.ts';
import { FOREIGN_FORMATS } from '../../src/import/formats/index.ts';
import { objectOf } from '../../src/import/formats/values.ts';
import { Mapping } from '../../src/import/mapping.ts';

/** What a system writes, of people whose password is that of the examples. */
export const fixture = (file: string): string => new URL(`../import/fixtures/${file}`, import.meta.url).pathname;
export const hashConfig = parseFirebaseHashConfig(readFileSync(fixture('firebase-hash-config.txt'), 'utf8'));
export const signerKey = hashConfig?.signerKey ?? '';
interface Outcome {
  /** Accounts by the part of their email before the @. */
  readonly accounts: Record<string, Record<string, unknown>>;
  readonly problems: [line: number, pointer: string, code: string][];
  readonly mapping: Mapping;
}

export async function read(name: string, source: AsyncIterable<Buffer>, isCsv: boolean, options: FormatOptions = {}) {
  const format = FOREIGN_FORMATS.find((each) => each.name === name);
  if (format === undefined) throw new Error(`there is no format ${name}`);
  const mapping = new Mapping();
  const entries: Entry[] = [];
  const given = { firebaseKey: signerKey, firebaseHashConfig: hashConfig, ...options };
  for await (const entry of readForeignEntries(source, { format, isCsv, options: given, mapping })) entries.push(entry);
  return { entries, mapping };
}

/** Fields whose members are carried over, or left out, one by one. */
const WITH_MEMBERS = [
  ...['user_metadata', 'app_metadata', 'customAttributes', 'attributes', 'raw_user_meta_data', 'raw_app_meta_data'],
  ...['public_metadata', 'private_metadata', 'unsafe_metadata'],
];

/** The fields of a record that the report says nothing of. */
export function untold(name: string, record: Record<string, unknown>, mapping: Mapping): string[] {
  const told = new Set(mapping.rows().flatMap(({ from }) => from.split(', ')));
  const isTold = (field: string): boolean => told.has(field) || [...told].some((each) => each.startsWith(`${field}.`));
  const format = FOREIGN_FORMATS.find((each) => each.name === name);
  return Object.entries(format?.flatten?.(record) ?? record).flatMap(([field, value]) => {
    if ((value ?? '') === '' || (Array.isArray(value) && value.length === 0)) return [];
    const members = WITH_MEMBERS.includes(field) && !told.has(field) ? objectOf(value) : undefined;
    const fields = members ? Object.keys(members).map((key) => `${field}.${key}`) : [field];
    return fields.filter((each) => !isTold(each));
  });
}

/** Everything that is read is checked as import checks it. */
export async function readFixture(file: string, options: FormatOptions = {}): Promise<Outcome> {
  const name = file.replace(/(-import)?\.\w+$/, '');
  const { entries, mapping } = await read(name, createReadStream(fixture(file)), file.endsWith('.csv'), options);
  const accounts: Outcome['accounts'] = {};
  const problems: Outcome['problems'] = [];
  for (const entry of entries) {
    const checked = 'value' in entry ? checkAccount(entry.value) : entry;
    if ('problems' in checked)
      problems.push(
        ...checked.problems.map(({ pointer, code }) => [entry.line, pointer, code] as Outcome['problems'][0]),
      );
    else accounts[checked.user.email.split('@')[0] ?? ''] = (entry as { value: Record<string, unknown> }).value;
  }
  return { accounts, problems, mapping };
}
