import { onTestFinished, test } from 'vitest';
import { freeName } from '../helpers/free-name.ts';
import { copyRepository } from '../helpers/repository-copy.ts';
import { readSteps } from '../tour/document.ts';
import { walk } from '../tour/walk.ts';

const PAGE = new URL('../../docs/extending.md', import.meta.url);
const MINUTE_MS = 60_000;

// Where these collections are there already, the page could be followed no more than once.
const isFree = ['invoice', 'tag'].every((name) => freeName(name) === name);

test.skipIf(!isFree)('docs/extending.md can be followed from its first command to its last', async () => {
  const copy = copyRepository();
  onTestFinished(() => copy.remove());
  // All tests with what was scaffolded are what check.long.test.ts runs.
  const steps = readSteps(PAGE, 'Five minutes').map((step) => ({
    ...step,
    commands: step.commands.replace('npm run check', 'npm run check -- --except tests'),
  }));
  await walk(steps, 0, 5 * MINUTE_MS, copy.directory);
});
