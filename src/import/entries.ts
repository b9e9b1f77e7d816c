import type { InputProblem } from '../errors.ts';
import { type PortableFormat, ROLE_SEPARATOR } from '../lib/portable-format.ts';
import { PORTABLE_FIELDS } from '../schemas/portable-user.ts';
import { columnsOf, parseRow } from './csv.ts';
import { UnusableFileError } from './errors.ts';
import { isObject } from './formats/values.ts';
import type { Mapping, Note } from './mapping.ts';
import { csvRecordEnd, lineEnd, type RawRecord, readRecords } from './records.ts';

/** One account of a file, not yet checked, or what keeps it from being read. */
export type Entry = { readonly line: number; readonly bytes: number } & Parsed;

export type Parsed = { readonly value: unknown } | { readonly problems: readonly InputProblem[] };

/** What columns of CSV with other names are: fields of ours, members of the metadata, or `-` for none. */
export type ColumnNames = ReadonlyMap<string, string>;

interface CsvOptions {
  readonly names?: ColumnNames;
  /** Where to tell what became of the columns. */
  readonly mapping?: Mapping;
}

/** What a column that has no place here is called. */
export const NO_FIELD = '-';
const METADATA_MEMBER = /^metadata\.(.+)$/;

/** Whether a column can be called so. */
export const isTarget = (name: string): boolean =>
  name === NO_FIELD || METADATA_MEMBER.test(name) || PORTABLE_FIELDS.some((field) => field === name);

/** Blank lines are no entries. */
const isBlank = (record: RawRecord): boolean => 'text' in record && record.text.trim() === '';

/**
 * The accounts of a file in our own form, one after the other, at bounded memory.
 * @throws {UnusableFileError} when the header of a CSV file is missing or names other columns than ours
 */
export async function* readEntries(
  source: AsyncIterable<Buffer>,
  format: PortableFormat,
  options: CsvOptions = {},
): AsyncGenerator<Entry> {
  if (format === 'csv') yield* readCsv(source, (header) => rowParser(header, options));
  else yield* readLines(source, parseLine);
}

/** An account a line. */
export async function* readLines(
  source: AsyncIterable<Buffer>,
  parse: (text: string) => Parsed,
): AsyncGenerator<Entry> {
  for await (const record of readRecords(source, lineEnd())) if (!isBlank(record)) yield entryOf(record, parse);
}

/**
 * An account a row.
 * @param open reads the header, and returns what reads the rows under it
 * @throws {UnusableFileError} when there is no header
 */
export async function* readCsv(
  source: AsyncIterable<Buffer>,
  open: (header: string) => (text: string) => Parsed,
): AsyncGenerator<Entry> {
  let parse: ((text: string) => Parsed) | undefined;
  for await (const record of readRecords(source, csvRecordEnd())) {
    if (isBlank(record)) continue;
    if (parse !== undefined) yield entryOf(record, parse);
    else parse = open('text' in record ? record.text : '');
  }
  if (parse === undefined) throw new UnusableFileError('The file is empty: a CSV file begins with a header.');
}

export function entryOf(record: RawRecord, parse: (text: string) => Parsed): Entry {
  const { line, bytes } = record;
  return { line, bytes, ...('text' in record ? parse(record.text) : { problems: [record.problem] }) };
}

export function parseLine(text: string): Parsed {
  const value = parseJson(text);
  return value === undefined ? { problems: [notJson('')] } : { value };
}

/** Undefined for what is no JSON. The parser's own message would quote the line, and there may be a hash in it. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const notJson = (pointer: string): InputProblem => ({ pointer, code: 'invalid-json', detail: 'is not a JSON value' });

/** Reads the header, and returns what reads the rows under it. */
function rowParser(header: string, { names = new Map(), mapping }: CsvOptions): (text: string) => Parsed {
  const columns = columnsOf(header);
  const targets = new Map(columns.map((column) => [column, names.get(column) ?? column]));
  checkTargets(columns, targets, names);
  return (text) => {
    const row = parseRow(text, columns);
    if ('problems' in row) return row;
    const filled = [...row.cells].map(([column, cell]) => [column, targets.get(column) ?? NO_FIELD, cell] as const);
    mapping?.add(filled.map(([from, to]): Note => (to === NO_FIELD ? { from, reason: 'by --map' } : { from, to })));
    return accountOf(filled.map(([, target, cell]) => [target, cell] as const));
  };
}

function checkTargets(columns: readonly string[], targets: ReadonlyMap<string, string>, names: ColumnNames): void {
  const quote = (list: readonly string[]): string => list.map((name) => JSON.stringify(name.slice(0, 40))).join(', ');
  const unknown = columns.filter((column) => !isTarget(targets.get(column) ?? ''));
  if (unknown.length > 0)
    throw new UnusableFileError(
      `The header has columns that are none of ours: ${quote(unknown)}. They are ${PORTABLE_FIELDS.join(', ')}. Say with --map what others are.`,
    );
  const absent = [...names.keys()].filter((name) => !columns.includes(name));
  if (absent.length > 0) throw new UnusableFileError(`The header has no column ${quote(absent)}, which --map names.`);
  const fields = [...targets.values()].filter((target) => target !== NO_FIELD);
  if (new Set(fields).size < fields.length) throw new UnusableFileError('Two columns are the same field.');
  if (!fields.includes('email')) throw new UnusableFileError('The header lacks the column email.');
}

/** The account that the cells of a row make, each with the field that it is. */
function accountOf(cells: readonly (readonly [string, string])[]): Parsed {
  const value: Record<string, unknown> = {};
  const members: [string, string][] = [];
  for (const [target, cell] of cells) {
    const member = METADATA_MEMBER.exec(target)?.[1];
    if (member !== undefined) members.push([member, cell]);
    else if (target !== NO_FIELD) value[target] = cellValue(target, cell);
  }
  const problems = Object.keys(value).filter((field) => value[field] === undefined);
  if (problems.length > 0) return { problems: problems.map((field) => notJson(`/${field}`)) };
  const whole = value['metadata'] ?? {};
  if (members.length === 0 || !isObject(whole)) return { value };
  return { value: { ...value, metadata: { ...Object.fromEntries(members), ...whole } } };
}

/** What a cell says, in the type that its column has; where it does not, the text, which the schema then refuses. */
function cellValue(field: string, cell: string): unknown {
  if (field === 'metadata') return parseJson(cell);
  if (field === 'roles') return cell.split(ROLE_SEPARATOR).map((role) => role.trim());
  if (field === 'emailVerified' && /^(true|false)$/i.test(cell)) return cell.toLowerCase() === 'true';
  return cell;
}
