import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { databasePath, readRecord, writeRecord } from '../../src/embedded/record.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'roster-record-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('a directory without data has no record', () => {
  expect(readRecord(directory)).toBeUndefined();
  mkdirSync(databasePath(directory));
  expect(readRecord(directory)).toBeUndefined();
});

test('what was written is read, is for its owner only, and leaves no draft', () => {
  const record = { engine: 'documentdb', version: '7.0.28', port: 40_000, pid: 123 } as const;
  writeRecord(directory, record);
  expect(readRecord(directory)).toEqual(record);
  expect(readdirSync(directory)).toEqual(['database.json']);
  expect(statSync(join(directory, 'database.json')).mode & 0o077).toBe(0);
});

test('data without a record are never opened on a guess', () => {
  mkdirSync(databasePath(directory));
  writeFileSync(join(databasePath(directory), 'WiredTiger'), '');
  expect(() => readRecord(directory)).toThrow(/database\.json, which says what wrote them, is missing/);
});

test.each(['', '{', 'null', '[]', '{"engine":"mysql","version":"8.0.0"}', '{"engine":"mongodb"}'])(
  'a damaged record is an error that names the file: %s',
  (content) => {
    writeFileSync(join(directory, 'database.json'), content);
    expect(() => readRecord(directory)).toThrow(/database\.json is not readable as/);
  },
);
