import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { OWNERS } from '../scaffold/blueprint.ts';
import { writingOf } from '../scaffold/files.ts';
import { Refusal } from '../scaffold/refusal.ts';
import { blueprintsOf } from '../scaffold/request.ts';
import { hasSources, readTree } from '../scaffold/tree.ts';
import { TYPE_NAMES } from '../scaffold/types.ts';
import { format, regenerate, writeAll } from '../scaffold/write.ts';
import { CommandError, say, UsageError } from './context.ts';

/** From the sources and from what they are compiled to alike. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const several = (value: string, before: string[]): string[] => [...before, value];

export function register(program: Command): void {
  program
    .command('new')
    .description('Writes the sources of something new.')
    .command('collection')
    .description('Writes a collection: model, schemas, routes, migration, test and documentation.')
    .argument('<plural>', 'what there are several of, as in invoices or line-items')
    .option('--owner <whom>', `whom each belongs to: ${OWNERS.join(', ')}`, 'user')
    .option('--field <field>', 'a field, as in "number:string unique"; may be repeated', several, [])
    .option('--many-to-many <collection>', 'a collection to link to; may be repeated', several, [])
    .option('--singular <name>', 'what one of them is called, where English fails')
    .addHelpText('after', HELP)
    .action(newCollection);
}

const HELP = `
A field: <name>:<type> [optional] [unique] [filter] [sort]
Types:   ${TYPE_NAMES.join(', ')}
         string(40) and text(1000) with their greatest length, enum(draft|paid), reference(customers/cascade)
What --many-to-many names and is not there is written too, with a unique name. docs/extending.md tells all of it.`;

interface Options {
  readonly owner: string;
  readonly field: readonly string[];
  readonly manyToMany: readonly string[];
  readonly singular?: string;
}

function newCollection(plural: string, { owner, field, manyToMany, singular }: Options): void {
  if (!hasSources(ROOT))
    throw new CommandError('This writes sources, and there are none here: run it where you develop, after "npm ci".');
  try {
    const request = { plural, owner, fields: field, manyToMany, ...(singular !== undefined && { singular }) };
    const blueprints = blueprintsOf(request, readTree(ROOT));
    const files = writeAll(ROOT, writingOf(ROOT, blueprints), (written) => {
      format(ROOT, written);
      regenerate(ROOT);
    });
    process.stdout.write(files.map((file) => `${file}\n`).join(''));
    for (const { names } of blueprints.slice(0, -1)) say(`${names.many} were not there: written too.`);
    say(nextSteps(blueprints.map(({ names }) => `test/routes/${names.url}.test.ts`)));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw error.typed ? new UsageError(error.message) : new CommandError(error.message);
  }
}

const nextSteps = (tests: readonly string[]): string => `
The generated documents are written anew. Next:
  npx migrate-mongo up                 makes the collection; in development "npm start" does so too
  npx vitest run ${tests.join(' ')}
  git add . && npm run check           all that CI checks, the generated documents by what git knows of
Then say in src/schemas and docs/collections.md what each field is for.`;
