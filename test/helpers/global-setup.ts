import type { TestProject } from 'vitest/node';
import { startEphemeral } from '../../src/embedded/ephemeral.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The server that all tests of a run share; each worker uses databases of its own on it. */
    mongodbUri: string;
  }
}

/** One database server for the whole run: starting one for each file would cost more than most files take. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const database = await startEphemeral((line) => process.stderr.write(`${line}\n`));
  project.provide('mongodbUri', database.uri);
  return () => database.stop();
}
