import { spawnSync } from 'node:child_process';

// All that CI checks, one step after the other. A step that fails does not hide what the later ones would say.
//
//   npm run check [-- --except tests]

interface Step {
  name: string;
  command: string;
}

const STEPS: readonly Step[] = [
  { name: 'format and lint', command: 'biome ci --error-on-warnings .' },
  { name: 'types', command: 'tsc --noEmit -p tsconfig.json' },
  { name: 'unused code', command: 'knip' },
  { name: 'build', command: 'node scripts/build.mjs --when-stale' },
  { name: 'tests', command: 'vitest run --coverage' },
  // A generated document that nobody has committed yet is as stale as one that differs: hence the listing of new files.
  {
    name: 'generated documents',
    command:
      'bin/roster docs && git --no-pager diff --exit-code -- docs && ! git ls-files --others --exclude-standard docs | grep .',
  },
  { name: 'OpenAPI', command: 'redocly lint docs/openapi.json' },
];

const environment = {
  ...process.env,
  PATH: `node_modules/.bin:${process.env['PATH']}`,
  REDOCLY_TELEMETRY: 'off',
};

function run({ name, command }: Step): boolean {
  const started = Date.now();
  process.stdout.write(`\n── ${name}: ${command}\n`);
  const passed = spawnSync('sh', ['-c', command], { stdio: 'inherit', env: environment }).status === 0;
  process.stdout.write(`── ${name}: ${passed ? 'ok' : 'FAILED'} (${((Date.now() - started) / 1000).toFixed(1)} s)\n`);
  return passed;
}

const [option, except, ...rest] = process.argv.slice(2);
if (option !== undefined && (option !== '--except' || !STEPS.some(({ name }) => name === except) || rest.length > 0)) {
  process.stderr.write(`Usage: npm run check [-- --except "<${STEPS.map(({ name }) => name).join('|')}>"]\n`);
  process.exit(2);
}
const failed = STEPS.filter(({ name }) => name !== except).filter((step) => !run(step));
process.stdout.write(
  failed.length === 0
    ? '\nCheck: all steps passed.\n'
    : `\nCheck: FAILED: ${failed.map(({ name }) => name).join(', ')}.\n`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
