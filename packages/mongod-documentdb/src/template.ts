import { chmod, copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { type Cluster, startCluster } from './cluster.ts';
import { EngineError } from './engine-error.ts';
import { engineEnvironment, engineProgram, PACKAGE_LIST, POSTGRES_MAJOR } from './engine-tree.ts';
import { PgConnection } from './postgres/connection.ts';
import { giveTo, unprivileged } from './privileges.ts';
import { run } from './run-command.ts';

/** pg_cron must be loaded while its functions are created or called; it is not needed afterwards. */
const WHILE_INSTALLING = {
  shared_preload_libraries: 'pg_cron,pg_documentdb_core,pg_documentdb',
  'cron.database_name': 'postgres',
  'cron.launch_active_jobs': 'off',
};

/** Makes a data directory with the extension installed, from which each new dbpath is copied. */
export async function makeTemplate(tree: string, data: string, signal?: AbortSignal): Promise<void> {
  await mkdir(data, { recursive: true, mode: 0o700 });
  const program = engineProgram(tree, 'initdb');
  const user = await unprivileged(program);
  await giveTo(user, data);
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const files = ['--wal-segsize=4', '--no-sync', '--no-instructions'];
  const [command = '', ...args] = [
    ...user.prefix,
    program,
    '-D',
    data,
    '-U',
    'postgres',
    '-A',
    'trust',
    ...locale,
    ...files,
  ];
  await run(command, args, { env: engineEnvironment(tree), cwd: '/', ...(signal ? { signal } : {}) });
  const cluster = await startCluster({
    tree,
    data,
    settings: { ...WHILE_INSTALLING, fsync: 'off' },
    ...(signal ? { signal } : {}),
  });
  await administer(cluster, async (connection) => {
    await connection.simple('CREATE EXTENSION documentdb CASCADE');
    await finishInstallation(connection);
    await connection.simple('VACUUM (FREEZE, ANALYZE)');
    await connection.simple('CHECKPOINT');
  });
  await copyFile(path.join(tree, PACKAGE_LIST), path.join(data, PACKAGE_LIST));
}

async function administer(cluster: Cluster, work: (connection: PgConnection) => Promise<void>): Promise<void> {
  try {
    const connection = await new PgConnection({ socketPath: cluster.socketPath }).connect();
    await work(connection);
    connection.close();
  } finally {
    await cluster.stop();
  }
}

/** The extension's scripts schedule jobs that the gateway does by itself. */
async function finishInstallation(connection: PgConnection): Promise<void> {
  await connection.simple('SELECT cron.unschedule(jobid) FROM cron.job');
}

/**
 * Puts a copy of the template at `data`, unless a cluster is there. The copy appears at once or not at all: a launcher
 * that is killed meanwhile leaves no half of one.
 * @param isDurable whether the copy must outlast a power cut from now on, as what PostgreSQL will write into it does
 * @returns whether a new cluster was made
 */
export async function ensureDataDirectory(template: string, data: string, isDurable: boolean): Promise<boolean> {
  const major = await readVersion(data);
  if (major === POSTGRES_MAJOR) return false;
  if (major !== undefined) {
    throw new EngineError(
      `${data} was written by PostgreSQL ${major}, and this engine is PostgreSQL ${POSTGRES_MAJOR}`,
    );
  }
  const copy = `${data}.tmp`;
  await rm(copy, { recursive: true, force: true });
  await mkdir(copy, { mode: 0o700 });
  await run('cp', ['-a', '--reflink=auto', `${template}/.`, copy]);
  await chmod(copy, 0o700);
  // One system call for the whole file system: 50 ms, where one for each of a thousand files takes five times as long.
  if (isDurable) await run('sync', ['--file-system', copy]);
  await rename(copy, data);
  if (isDurable) await run('sync', [path.dirname(data)]);
  return true;
}

async function readVersion(data: string): Promise<string | undefined> {
  try {
    return (await readFile(path.join(data, 'PG_VERSION'), 'utf8')).trim();
  } catch {
    return undefined;
  }
}

/**
 * Brings the extensions of an existing cluster to the versions of the engine tree, when that was made of other
 * packages than the cluster has seen.
 */
export async function upgradeExtensions(tree: string, data: string, signal?: AbortSignal): Promise<void> {
  const ours = await readFile(path.join(tree, PACKAGE_LIST), 'utf8');
  if ((await readFile(path.join(data, PACKAGE_LIST), 'utf8').catch(() => '')) === ours) return;
  const cluster = await startCluster({ tree, data, settings: WHILE_INSTALLING, ...(signal ? { signal } : {}) });
  await administer(cluster, async (connection) => {
    // A new documentdb may need the new documentdb_core.
    const outdated = await connection.simple(
      `SELECT quote_ident(name) FROM pg_available_extensions WHERE installed_version <> default_version
       ORDER BY name = 'documentdb', name`,
    );
    for (const [name] of outdated) await connection.simple(`ALTER EXTENSION ${name?.toString()} UPDATE`);
    await finishInstallation(connection);
  });
  await copyFile(path.join(tree, PACKAGE_LIST), path.join(data, PACKAGE_LIST));
}
