/** The executable: takes mongod's command line, prints what mongod prints, exits as mongod exits. */
import { arch } from 'node:os';
import { EngineError, explainError } from './engine-error.ts';
import { GIT_VERSION, VERSION } from './identity.ts';
import { HELP, parseCommandLine, type ServeOptions } from './options.ts';
import { sayToPerson } from './progress.ts';
import { engineReady, ensureEngine } from './provision.ts';
import { serve } from './serve.ts';
import { ServerLog } from './server-log.ts';
import { EXIT, StartError } from './start-error.ts';

const stdout = new ServerLog(process.stdout);

/**
 * mongodb-memory-server asks for the version first and waits for the answer without a limit, while the start itself
 * must be done in ten seconds: so the engine is prepared here.
 */
async function printVersion(): Promise<number> {
  if (process.env['MONGOMS_SYSTEM_BINARY'] && !engineReady()) {
    await ensureEngine(sayToPerson).catch((error: unknown) => sayToPerson(explainError(error)));
  }
  const environment = { distarch: arch(), engine: 'postgresql/documentdb' };
  stdout.text(`db version v${VERSION}`);
  stdout.text(`Build Info: ${JSON.stringify({ version: VERSION, gitVersion: GIT_VERSION, modules: [], environment })}`);
  return EXIT.stopped;
}

async function provision(): Promise<number> {
  const engine = await ensureEngine(sayToPerson);
  stdout.text(`engine: ${engine.tree}`);
  stdout.text(`template: ${engine.template}`);
  return EXIT.stopped;
}

async function serveUntilStopped(options: ServeOptions, argv: readonly string[]): Promise<number> {
  const log = ServerLog.open(options.logPath, options.logAppend);
  try {
    const exitCode = await serve(options, ['mongod', ...argv], log);
    log.write('Now exiting', { exitCode });
    return exitCode;
  } finally {
    await log.flush();
  }
}

/**
 * Tells why nothing came of it; returns the exit code. mongodb-memory-server recognises the line on stdout, and shows
 * it to the developer.
 */
function report(error: unknown): number {
  const name = error instanceof EngineError ? error.name : 'InternalError';
  sayToPerson(explainError(error));
  stdout.text(`exception in initAndListen: ${name}: ${explainError(error).replaceAll(/\s+/g, ' ')}`);
  return error instanceof StartError ? error.exitCode : EXIT.failed;
}

async function main(argv: readonly string[]): Promise<number> {
  const invocation = parseCommandLine(argv, process.env);
  switch (invocation.action) {
    case 'help':
      stdout.text(HELP);
      return EXIT.stopped;
    case 'version':
      return printVersion();
    case 'provision':
      return provision();
    case 'serve':
      return serveUntilStopped(invocation.options, argv);
  }
}

const exitCode = await main(process.argv.slice(2)).catch(report);
await stdout.flush();
process.exit(exitCode);
