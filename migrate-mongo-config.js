// Read by `npx migrate-mongo up|down|status`. The configuration is the service's own, and so is the lock: importing this
// file takes it, which is why two operators (or a deployment that starts four jobs) can run the plain command at once.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const say = (line) => process.stderr.write(`${line}\n`);

/** Never returns, so that migrate-mongo does not go on while the process takes its leave. */
function refuse(message) {
  say(message);
  process.exit(1);
  return new Promise(() => {});
}

/** What runs is what was compiled; where sources change, that is seen to first. Tests compile once, before all. */
function isBuilt() {
  if (!['production', 'test'].includes(process.env.NODE_ENV)) {
    const build = fileURLToPath(new URL('scripts/build.mjs', import.meta.url));
    if (spawnSync(process.execPath, [build, '--when-stale'], { stdio: ['ignore', 2, 2] }).status !== 0) return false;
  }
  return existsSync(new URL('dist/migration-command.js', import.meta.url));
}

async function configurationFor(command) {
  if (command === 'create') return refuse('Migrations are numbered here. Use: npm run migrate:create <name>');
  // Read by something that only looks around: nothing to connect to, nothing to lock.
  if (!['up', 'down', 'status'].includes(command)) return {};
  if (!isBuilt()) return refuse('Roster is not built, and migrations run as built. Run "npm run build" first.');
  const { enterMigrateMongo } = await import('./dist/migration-command.js');
  try {
    return await enterMigrateMongo(command, say);
  } catch (error) {
    return refuse(error.message);
  }
}

export default await configurationFor(process.argv[2]);
