import type { Shape } from '../schema-check/shape.ts';
import { LINE_WIDTH } from './literal.ts';
import { camelCase, Source } from './source.ts';
import { changedCollection, type DefaultOf, newCollection, retiredCollection, type Steps } from './steps.ts';

export interface Draft {
  /** As a migration is named, without its number. */
  readonly name: string;
  /** Of the whole file, as the project's formatter has it. */
  readonly text: string;
}

const NAME_LENGTH = 60;
/** The linter allows a function 40 lines, and a file 300. */
const FUNCTION_LINES = 36;
const FILE_LINES = 300;
const LONG_FILE = '// biome-ignore-all lint/style/noExcessiveLinesPerFile: all that changes at once.';

/**
 * The migration that makes `after` of `before`, and `before` again. Documents are never destroyed by it.
 * @returns undefined when there is nothing to do
 * @throws {DraftError} when it takes a decision that only a person can make
 */
export function draftMigration(before: Shape, after: Shape, defaultOf: DefaultOf): Draft | undefined {
  const source = new Source();
  const steps = [
    ...[...after].flatMap(([name, shape]) => {
      const old = before.get(name);
      return (old ? changedCollection(source, name, old, shape, defaultOf) : newCollection(source, name, shape)) ?? [];
    }),
    ...[...before].filter(([name]) => !after.has(name)).map(([name, shape]) => retiredCollection(source, name, shape)),
  ];
  if (steps.length === 0) return undefined;
  const [first = '', ...others] = steps.map(({ summary }) => summary);
  const why = wrapped('// ', ['Why:', first.charAt(0).toLowerCase() + first.slice(1), ...others].join(' '));
  const text = `${why}\n\n${source.preamble}\n\n${functions(steps)}`;
  const isLong = text.split('\n').length > FILE_LINES;
  return { name: nameOf(steps), text: isLong ? text.replace('\n\n', `\n\n${LONG_FILE}\n\n`) : text };
}

function nameOf(steps: readonly Steps[]): string {
  const kinds = [...new Set(steps.map(({ kind }) => kind))];
  const collections = steps.map(({ collection }) => collection.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_'));
  const name = `${kinds.length === 1 ? kinds[0] : 'change'}_${collections.join('_and_')}`
    .replaceAll(/_+/g, '_')
    .replace(/_$/, '');
  return name.length <= NAME_LENGTH ? name : 'change_collections';
}

/** Up and down; each in one function for each collection where one would be too long. */
function functions(steps: readonly Steps[]): string {
  const ways = (['up', 'down'] as const).map((way) => {
    const ordered = way === 'up' ? steps : [...steps].reverse();
    const notes = steps.flatMap((step) => (way === 'up' ? step.upNotes : step.downNotes));
    const sentences = [...new Set(way === 'up' ? notes : ['Destroys no document.', ...notes])];
    const parts = ordered.map((step) => ({ name: camelCase(way, step.collection), body: step[way].join('\n') }));
    const body = parts.map((part) => part.body).join('\n');
    const isLong = body.split('\n').length > FUNCTION_LINES;
    return [
      ...(isLong ? parts.map((part) => `async function ${part.name}(db) {\n${part.body}\n}\n`) : []),
      `${docComment(sentences)}export async function ${way}(db) {\n${
        isLong ? parts.map((part) => `  await ${part.name}(db);`).join('\n') : body
      }\n}\n`,
    ];
  });
  return ways.flat().join('\n');
}

function docComment(sentences: readonly string[]): string {
  if (sentences.length === 0) return '';
  const line = `/** ${sentences.join(' ')} */\n`;
  return line.length <= LINE_WIDTH ? line : `/**\n${wrapped(' * ', sentences.join(' '))}\n */\n`;
}

/** A text over as many lines as it needs, each after the prefix. */
function wrapped(prefix: string, text: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length === 0 || longer.length > LINE_WIDTH) lines.push(prefix + word);
    else lines[lines.length - 1] = longer;
  }
  return lines.join('\n');
}
