import { spawn } from 'node:child_process';
import { loadConfig } from '../src/config.ts';
import { provideDatabase } from '../src/embedded/index.ts';

// Runs the service from its sources and starts it again at every change. The database is opened here, outside of what
// is started again, so that the service finds it running each time.

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

async function main(): Promise<number> {
  const database = await provideDatabase(loadConfig(), say);
  // In a process group of its own: a terminal sends Ctrl-C to the whole group, npm passes it on as well, and a
  // service that is told twice to stop does not stop gracefully.
  const service = spawn(process.execPath, ['--watch', '--import', 'tsx', 'src/server.ts'], {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  let told = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (!told) service.kill('SIGTERM');
      told = true;
    });
  void database.lost.then((reason) => {
    say(`The database ended: ${reason}`);
    service.kill('SIGTERM');
  });
  const code = await new Promise<number>((resolve) =>
    service.on('exit', (status) => resolve(told ? 0 : (status ?? 1))),
  );
  await database.stop();
  return code;
}

try {
  process.exitCode = await main();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
