import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { Config } from '../config.ts';
import { type ColumnNames, type Entry, isTarget, NO_FIELD, readEntries } from '../import/entries.ts';
import { readForeignEntries } from '../import/foreign-entries.ts';
import { type FirebaseHashConfig, parseFirebaseHashConfig } from '../import/formats/firebase-hash-config.ts';
import { FOREIGN_FORMATS } from '../import/formats/index.ts';
import type { Mapping } from '../import/mapping.ts';
import { formatOfName, PORTABLE_FORMATS } from '../lib/portable-format.ts';
import { PORTABLE_FIELDS } from '../schemas/portable-user.ts';
import { UsageError } from './context.ts';

export const IMPORT_FORMATS: readonly string[] = [...PORTABLE_FORMATS, ...FOREIGN_FORMATS.map(({ name }) => name)];

export interface SourceOptions {
  readonly format?: string;
  readonly map?: ColumnNames;
  readonly hashConfig?: string;
  readonly withoutUnusableHashes?: true;
  readonly includeAppMetadata?: true;
}

/** Reads the accounts of a file; what becomes of fields that are not ours is counted in the mapping. */
export type OpenEntries = (stream: AsyncIterable<Buffer>, config: Config, mapping: Mapping) => AsyncIterable<Entry>;

/** For commander: collects `theirs=ours`. */
export function collectNames(pair: string, names: ColumnNames = new Map()): ColumnNames {
  const at = pair.lastIndexOf('=');
  const [theirs, ours] = [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
  if (at < 1 || !isTarget(ours))
    throw new InvalidArgumentError(
      `It must be theirs=ours, where ours is one of ${PORTABLE_FIELDS.join(', ')}, metadata.<name> or "${NO_FIELD}".`,
    );
  return new Map([...names, [theirs, ours]]);
}

/** @throws {UsageError} when the format is not known, or an option does not belong to it */
export async function readerOf(path: string, options: SourceOptions): Promise<OpenEntries> {
  const { map, hashConfig, withoutUnusableHashes, includeAppMetadata } = options;
  const name = options.format ?? formatOfName(path);
  const isCsv = extname(path).toLowerCase() === '.csv';
  const format = FOREIGN_FORMATS.find((foreign) => foreign.name === name);
  if (map !== undefined && name !== 'csv') throw new UsageError('--map is for --format csv alone.');
  if (hashConfig !== undefined && name !== 'firebase')
    throw new UsageError('--hash-config is for --format firebase alone.');
  if (format !== undefined) {
    if (isCsv && !format.csv) throw new UsageError(`From ${format.name} JSON is read, not CSV.`);
    const firebaseHashConfig = hashConfig === undefined ? undefined : await readHashConfig(hashConfig);
    return (stream, { FIREBASE_SCRYPT_KEY: firebaseKey }, mapping) =>
      readForeignEntries(stream, {
        format,
        isCsv,
        options: { firebaseKey, firebaseHashConfig, withoutUnusableHashes, includeAppMetadata },
        mapping,
      });
  }
  if (withoutUnusableHashes || includeAppMetadata)
    throw new UsageError('--without-unusable-hashes and --include-app-metadata are for the formats of other systems.');
  const own = PORTABLE_FORMATS.find((portable) => portable === name);
  if (own === undefined)
    throw new UsageError(
      `The name of ${path} does not tell its format: add --format ndjson or --format csv, or the system it comes from.`,
    );
  return (stream, _, mapping) => readEntries(stream, own, map === undefined ? {} : { names: map, mapping });
}

async function readHashConfig(path: string): Promise<FirebaseHashConfig> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new UsageError(`${path} cannot be read: ${error.message}.`);
  });
  const config = parseFirebaseHashConfig(text);
  if (config === undefined)
    throw new UsageError(
      `${path} holds no password hash parameters as the Firebase console shows them: hash_config { … }.`,
    );
  return config;
}
