import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { startEphemeral } from '../../src/embedded/ephemeral.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The server that all tests of a run share; each worker uses databases of its own on it. */
    mongodbUri: string;
  }
}

/** What tests start as processes is the compiled program, which loads in half the time. */
function build(): void {
  const program = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url));
  const { status } = spawnSync(process.execPath, [program, '--when-stale'], { stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error('The build failed; see above.');
}

/** One database server for the whole run: starting one for each file would cost more than most files take. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  build();
  const database = await startEphemeral((line) => process.stderr.write(`${line}\n`));
  project.provide('mongodbUri', database.uri);
  return () => database.stop();
}
