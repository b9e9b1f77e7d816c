import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files in which something is killed and waited for come first: they leave the cores to the others. By itself vitest
 * begins with the largest files, and these are small, so that they would be waited for at the end.
 */
class WaitingFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const waits = ({ moduleId }: TestSpecification): boolean => /\/(?:killed|moments|lines|tour)/.test(moduleId);
    const sorted = await super.sort(files);
    return [...sorted.filter(waits), ...sorted.filter((file) => !waits(file))];
  }
}

/**
 * `vitest run` is what `npm test` runs; `vitest run --mode long` the files that take too long for it
 * (`*.long.test.ts`). The service's tests share one database server, each worker with databases of its own; the
 * launcher's tests start launchers themselves and need none.
 */
export default defineConfig(({ mode }) => {
  const long = mode === 'long';
  const files = long ? '**/*.long.test.ts' : '**/*.test.ts';
  // Stated for each project: what a project inherits is evaluated without the mode.
  const byMode = {
    exclude: long ? ['**/node_modules/**'] : ['**/*.long.test.ts', '**/node_modules/**'],
    testTimeout: long ? 30 * 60_000 : 20_000,
    hookTimeout: long ? 5 * 60_000 : 60_000,
  };
  return {
    test: {
      // The database and the processes that tests start want the cores as well; three keep two cores busy, as each waits now
      // and then.
      maxWorkers: Math.max(3, Math.floor(availableParallelism() / 2)),
      sequence: { sequencer: WaitingFirst },
      projects: [
        {
          extends: true,
          test: {
            ...byMode,
            name: 'roster',
            // Loading the service anew for each file took longer than most files do. What a file opens, it closes.
            isolate: false,
            include: [`test/${files}`],
            globalSetup: 'test/helpers/global-setup.ts',
          },
        },
        { extends: true, test: { ...byMode, name: 'mongod-documentdb', include: [`packages/*/test/${files}`] } },
      ],
      coverage: {
        provider: 'v8',
        include: ['src/**', 'packages/*/src/**'],
        reporter: ['text-summary', 'html', 'json-summary'],
      },
    },
  };
});
