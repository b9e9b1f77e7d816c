import { parse as parseCsv } from 'csv-parse/sync';
import type { InputProblem } from '../errors.ts';
import { type PortableFormat, ROLE_SEPARATOR } from '../lib/portable-format.ts';
import { PORTABLE_FIELDS } from '../schemas/portable-user.ts';
import { UnusableFileError } from './errors.ts';
import { csvRecordEnd, lineEnd, type RawRecord, readRecords } from './records.ts';

/** One account of a file, not yet checked, or what keeps it from being read. */
export type Entry = { readonly line: number; readonly bytes: number } & Parsed;

type Parsed = { readonly value: unknown } | { readonly problems: readonly InputProblem[] };

/** Blank lines are no entries. */
const isBlank = (record: RawRecord): boolean => 'text' in record && record.text.trim() === '';

/**
 * The accounts of a file, one after the other, at bounded memory.
 * @throws {UnusableFileError} when the header of a CSV file is missing or names other columns than ours
 */
export async function* readEntries(source: AsyncIterable<Buffer>, format: PortableFormat): AsyncGenerator<Entry> {
  const records = readRecords(source, format === 'csv' ? csvRecordEnd() : lineEnd());
  let parse: ((text: string) => Parsed) | undefined = format === 'csv' ? undefined : parseLine;
  for await (const record of records) {
    if (isBlank(record)) continue;
    if (parse === undefined) {
      parse = rowParser('text' in record ? record.text : '');
      continue;
    }
    const { line, bytes } = record;
    yield { line, bytes, ...('text' in record ? parse(record.text) : { problems: [record.problem] }) };
  }
  if (parse === undefined) throw new UnusableFileError('The file is empty: a CSV file begins with a header.');
}

function parseLine(text: string): Parsed {
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
function rowParser(header: string): (text: string) => Parsed {
  const columns = cellsOf(header)?.map((cell) => cell.trim());
  if (columns === undefined)
    throw new UnusableFileError('The first line is no CSV header: one that names the columns, in UTF-8, is needed.');
  const unknown = columns.filter((column) => !PORTABLE_FIELDS.some((field) => field === column));
  if (unknown.length > 0)
    throw new UnusableFileError(
      `The header has columns that are none of ours: ${unknown.map((column) => JSON.stringify(column.slice(0, 40))).join(', ')}. They are ${PORTABLE_FIELDS.join(', ')}.`,
    );
  if (new Set(columns).size < columns.length) throw new UnusableFileError('The header names a column twice.');
  if (!columns.includes('email')) throw new UnusableFileError('The header lacks the column email.');
  return (text) => parseRow(text, columns);
}

function parseRow(text: string, columns: readonly string[]): Parsed {
  const cells = cellsOf(text);
  if (cells === undefined) {
    const detail = 'is no CSV: a quoted field must be quoted whole, with its quotes doubled, and closed';
    return { problems: [{ pointer: '', code: 'invalid-csv', detail }] };
  }
  if (cells.length !== columns.length) {
    const detail = `has ${cells.length} fields where the header has ${columns.length}`;
    return { problems: [{ pointer: '', code: 'invalid-csv', detail }] };
  }
  const filled = columns.flatMap((column, index) => {
    const cell = cells[index];
    return cell === undefined || cell === '' ? [] : [[column, cellValue(column, cell)] as const];
  });
  const problems = filled.filter(([, value]) => value === undefined).map(([column]) => notJson(`/${column}`));
  return problems.length > 0 ? { problems } : { value: Object.fromEntries(filled) };
}

/** Undefined for text that is no record of CSV. The parser's own message would quote a field. */
function cellsOf(text: string): string[] | undefined {
  try {
    const [cells, ...others] = parseCsv(text, { recordDelimiter: '\n' });
    return others.length === 0 ? cells : undefined;
  } catch {
    return undefined;
  }
}

/** What a cell says, in the type that its column has; where it does not, the text, which the schema then refuses. */
function cellValue(column: string, cell: string): unknown {
  if (column === 'metadata') return parseJson(cell);
  if (column === 'roles') return cell.split(ROLE_SEPARATOR).map((role) => role.trim());
  if (column === 'emailVerified' && /^(true|false)$/i.test(cell)) return cell.toLowerCase() === 'true';
  return cell;
}
