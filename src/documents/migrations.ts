import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MIGRATIONS_DIRECTORY, shippedMigrations } from '../migrations.ts';
import { code, table } from './markdown.ts';

/** What each migration is for, in the words of its own header. */
export async function migrationsTable(): Promise<string> {
  const files = await shippedMigrations();
  const rows = files.map(async (file) => [code(file), await headerOf(file)]);
  return table(['Migration', 'Why'], await Promise.all(rows));
}

/** @throws when a migration does not begin by saying why it exists */
async function headerOf(file: string): Promise<string> {
  const source = await readFile(join(MIGRATIONS_DIRECTORY, file), 'utf8');
  const [comment = ''] = /^(\/\/ .*\n)+/.exec(source) ?? [];
  const text = comment
    .replaceAll(/^\/\/ /gm, '')
    .replaceAll('\n', ' ')
    .trim();
  if (!text.startsWith('Why: ')) throw new Error(`migrations/${file} must begin with a comment "// Why: …".`);
  const why = text.slice('Why: '.length);
  return why.charAt(0).toUpperCase() + why.slice(1);
}
