import type { Command } from 'commander';
import { writeDocuments } from '../documents/write.ts';

export function register(program: Command): void {
  program
    .command('docs')
    .description(
      'Writes the generated documents: docs/SCHEMA.md, docs/configuration.md, docs/access.md, docs/security.md, docs/portable-user.schema.json, docs/openapi.json.',
    )
    .action(async () => {
      for (const path of await writeDocuments()) process.stdout.write(`${path}\n`);
    });
}
