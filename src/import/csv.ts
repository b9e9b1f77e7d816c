import { parse as parseCsv } from 'csv-parse/sync';
import type { InputProblem } from '../errors.ts';
import { UnusableFileError } from './errors.ts';

/** The cells of a row that are not empty, by their columns; or what is wrong with it. */
export type Row = { readonly cells: ReadonlyMap<string, string> } | { readonly problems: readonly InputProblem[] };

/** @throws {UnusableFileError} when the line is no header, or names a column twice */
export function columnsOf(header: string): string[] {
  const columns = cellsOf(header)?.map((cell) => cell.trim());
  if (columns === undefined)
    throw new UnusableFileError('The first line is no CSV header: one that names the columns, in UTF-8, is needed.');
  if (new Set(columns).size < columns.length) throw new UnusableFileError('The header names a column twice.');
  return columns;
}

export function parseRow(text: string, columns: readonly string[]): Row {
  const cells = cellsOf(text);
  if (cells === undefined) {
    const detail = 'is no CSV: a quoted field must be quoted whole, with its quotes doubled, and closed';
    return { problems: [{ pointer: '', code: 'invalid-csv', detail }] };
  }
  if (cells.length !== columns.length) {
    const detail = `has ${cells.length} fields where the header has ${columns.length}`;
    return { problems: [{ pointer: '', code: 'invalid-csv', detail }] };
  }
  return {
    cells: new Map(columns.map((column, index) => [column, cells[index] ?? ''] as const).filter(([, cell]) => cell)),
  };
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
