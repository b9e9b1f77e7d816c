import { columnsOf, parseRow } from './csv.ts';
import { type Entry, entryOf, type Parsed, parseLine, readCsv, readLines } from './entries.ts';
import { Draft } from './formats/draft.ts';
import type { ForeignFormat, FormatOptions } from './formats/format.ts';
import { isObject } from './formats/values.ts';
import { readJsonList } from './json-list.ts';
import type { Mapping } from './mapping.ts';

interface ForeignFile {
  readonly format: ForeignFormat;
  /** Else it is JSON. */
  readonly isCsv: boolean;
  readonly options: FormatOptions;
  /** Where to tell what became of the fields. */
  readonly mapping: Mapping;
}

/**
 * The accounts of another system's export in our own form, one after the other, at bounded memory.
 * @throws {UnusableFileError} when the file is not what the system writes
 */
export async function* readForeignEntries(source: AsyncIterable<Buffer>, file: ForeignFile): AsyncGenerator<Entry> {
  const carryOver = (parsed: Parsed): Parsed => ('value' in parsed ? carriedOver(parsed.value, file) : parsed);
  const parse = (text: string): Parsed => carryOver(parseLine(text));
  if (file.isCsv) {
    yield* readCsv(source, (header) => {
      const columns = columnsOf(header);
      return (text) => {
        const row = parseRow(text, columns);
        return 'cells' in row ? carryOver({ value: Object.fromEntries(row.cells) }) : row;
      };
    });
    return;
  }
  const [first, whole] = await firstCharacter(source);
  if (file.format.list === undefined && first !== '[') yield* readLines(whole, parse);
  else for await (const record of readJsonList(whole, file.format.list)) yield entryOf(record, parse);
}

function carriedOver(record: unknown, { format, options, mapping }: ForeignFile): Parsed {
  if (!isObject(record)) return { problems: [{ pointer: '', code: 'invalid-type', detail: 'must be object' }] };
  const draft = new Draft(format.flatten?.(record) ?? record, options);
  format.read(draft, options);
  const { value, notes, problems } = draft.finish();
  mapping.add(notes);
  return problems.length > 0 ? { problems } : { value };
}

/** The first character that is not blank, and the same bytes again. */
async function firstCharacter(source: AsyncIterable<Buffer>): Promise<[string, AsyncIterable<Buffer>]> {
  const rest = source[Symbol.asyncIterator]();
  const read: Buffer[] = [];
  let character = '';
  while (character === '') {
    const { value, done } = await rest.next();
    if (done) break;
    read.push(value);
    // A byte order mark counts as blank.
    character = value
      .toString('latin1')
      .replace(/^[\s\u00EF\u00BB\u00BF]+/, '')
      .slice(0, 1);
  }
  async function* whole(): AsyncGenerator<Buffer> {
    yield* read;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  }
  return [character, whole()];
}
