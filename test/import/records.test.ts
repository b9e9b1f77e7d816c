import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvRecordEnd, lineEnd, MAX_RECORD_BYTES, type RawRecord, readRecords } from '../../src/import/records.ts';

type Source = string | Buffer | readonly Buffer[];

async function read(source: Source, findEnd = lineEnd()): Promise<RawRecord[]> {
  const chunks = Array.isArray(source) ? source : [Buffer.from(source as string)];
  const records: RawRecord[] = [];
  for await (const record of readRecords(Readable.from(chunks), findEnd)) records.push(record);
  return records;
}

const brief = (records: readonly RawRecord[]) =>
  records.map((record) => [record.line, 'text' in record ? record.text : record.problem.code]);

describe('lines', () => {
  it('end with LF, CRLF or the file', async () => {
    expect(await read('a\nb\r\n\nc')).toEqual([
      { line: 1, bytes: 2, text: 'a' },
      { line: 2, bytes: 3, text: 'b' },
      { line: 3, bytes: 1, text: '' },
      { line: 4, bytes: 1, text: 'c' },
    ]);
    expect(await read('')).toEqual([]);
  });

  it('do not begin with a byte order mark', async () => {
    expect(brief(await read('\uFEFFa\n\uFEFFb'))).toEqual([
      [1, 'a'],
      [2, '\uFEFFb'],
    ]);
    expect(brief(await read('\uFEFF'))).toEqual([]);
    expect(brief(await read([Buffer.of(0xef), Buffer.of(0xbb), Buffer.of(0xbf, 0x61)]))).toEqual([[1, 'a']]);
    expect(brief(await read('é'))).toEqual([[1, 'é']]);
  });

  it('that are not UTF-8 are told, and those around them read', async () => {
    const bytes = Buffer.concat([Buffer.from('a\n'), Buffer.of(0xff, 0x0a), Buffer.from('c\n')]);
    expect(brief(await read(bytes))).toEqual([
      [1, 'a'],
      [2, 'invalid-utf8'],
      [3, 'c'],
    ]);
  });

  it('that are too long are stepped over', async () => {
    const full = 'x'.repeat(MAX_RECORD_BYTES - 1);
    expect(brief(await read(`${full}\n${full}x\nc\n`))).toEqual([
      [1, full],
      [2, 'too-long'],
      [3, 'c'],
    ]);
  });

  it('that are endless take no memory', async () => {
    const chunk = Buffer.alloc(1_048_576, 'x');
    async function* endless(): AsyncGenerator<Buffer> {
      for (let count = 0; count < 512; count++) yield chunk;
    }
    const before = process.memoryUsage.rss();
    const records: RawRecord[] = [];
    for await (const record of readRecords(endless(), lineEnd())) records.push(record);
    expect(brief(records)).toEqual([[1, 'too-long']]);
    expect(process.memoryUsage.rss() - before).toBeLessThan(200 * 1_048_576);
  });
});

describe('records of CSV', () => {
  it('may span lines within quotes, and keep their own line numbers', async () => {
    expect(brief(await read('a,"b\nc"\n"d ""e""\n\n",f\ng', csvRecordEnd()))).toEqual([
      [1, 'a,"b\nc"'],
      [3, '"d ""e""\n\n",f'],
      [6, 'g'],
    ]);
  });

  it('with a stray quote do not swallow the next', async () => {
    expect(brief(await read('a"b,c\nd,e"\n"f"g",h\ni', csvRecordEnd()))).toEqual([
      [1, 'a"b,c'],
      [2, 'd,e"'],
      [3, '"f"g",h'],
      [4, 'i'],
    ]);
  });

  it('with a quote left open end with the file', async () => {
    const [, open, ...rest] = await read(`a\n"${'b\n'.repeat(MAX_RECORD_BYTES)}`, csvRecordEnd());
    expect(rest).toEqual([]);
    expect(open).toMatchObject({
      line: 2,
      problem: { code: 'too-long', detail: expect.stringContaining(`line ${MAX_RECORD_BYTES + 1}: is a quote left`) },
    });
  });
});

describe('any bytes', () => {
  const bytes = fc
    .array(fc.constantFrom('a', 'é', ',', '"', '\n', '\r\n', '\uFEFF', '\xff'), { maxLength: 60 })
    .map((parts) => Buffer.concat(parts.map((part) => (part === '\xff' ? Buffer.of(0xff) : Buffer.from(part)))));

  it.each([
    ['lines', lineEnd],
    ['CSV', csvRecordEnd],
  ])('as %s are cut alike however they arrive, and all accounted for', async (_name, framing) => {
    await fc.assert(
      fc.asyncProperty(bytes, fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), async (whole, sizes) => {
        const pieces: Buffer[] = [];
        for (let at = 0, turn = 0; at < whole.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          pieces.push(whole.subarray(at, at + size));
          at += size;
        }
        const records = await read([whole], framing());
        expect(await read(pieces, framing())).toEqual(records);
        const mark = whole.subarray(0, 3).equals(Buffer.from('\uFEFF')) ? 3 : 0;
        expect(records.reduce((sum, record) => sum + record.bytes, mark)).toBe(whole.length);
      }),
    );
  });
});
