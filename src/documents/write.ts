import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { accessDocument } from './access.ts';
import { configurationDocument } from './configuration.ts';
import { portableUserDocument } from './portable-user.ts';
import { schemaDocument } from './schema.ts';
import { securityDocument } from './security.ts';

const DOCS = fileURLToPath(new URL('../../docs', import.meta.url));

/** @returns the path that was written */
async function write(file: string, text: string): Promise<string> {
  await mkdir(DOCS, { recursive: true });
  const path = join(DOCS, file);
  await writeFile(path, text);
  return path;
}

export const writeSchemaDocument = async (): Promise<string> => write('SCHEMA.md', await schemaDocument());

/** Writes every generated document. @returns their paths */
export async function writeDocuments(): Promise<string[]> {
  // Only here, because it loads the whole application, which no other command wants to wait for.
  const { withDocumentedApp } = await import('../openapi-document.ts');
  const { openApi, access } = await withDocumentedApp((app) => ({
    openApi: `${JSON.stringify(app.swagger(), undefined, 2)}\n`,
    access: accessDocument(app.routeTable),
  }));
  return [
    await writeSchemaDocument(),
    await write('configuration.md', configurationDocument()),
    await write('access.md', access),
    await write('security.md', securityDocument()),
    await write('portable-user.schema.json', portableUserDocument()),
    await write('openapi.json', openApi),
  ];
}
