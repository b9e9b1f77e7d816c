import { copyFileSync, existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { downloadPackages, type Source, unpackPackages } from './debian.ts';
import { EngineError } from './engine-error.ts';
import type { Say } from './progress.ts';

export const POSTGRES_MAJOR = '18';

const PACKAGES = [`postgresql-${POSTGRES_MAJOR}`, `postgresql-${POSTGRES_MAJOR}-documentdb`];
const BIN = `usr/lib/postgresql/${POSTGRES_MAJOR}/bin`;
const LIB = `usr/lib/postgresql/${POSTGRES_MAJOR}/lib`;
const PROGRAMS = ['postgres', 'initdb', 'psql', 'pg_controldata'];

/** Parts of the unpacked packages that no program looks at. */
const UNUSED = [
  'etc',
  'var',
  `${LIB}/bitcode`,
  'usr/lib/systemd',
  ...['bug', 'doc', 'lintian', 'locale', 'man', 'perl5'].map((name) => `usr/share/${name}`),
];

/** Libraries of the closure that only raster and vector file formats, PL/Perl and JIT compilation would load. */
const UNUSED_LIBRARIES = /^lib(perl|gdal|poppler|llvm|aom|rav|svt|heif|jxl|dav|hdf5|netcdf|font|spatialite)/;

/** Libraries, the server with its extensions, and the projection data that PostGIS reads. */
const isWanted = (name: string): boolean => /^(postgresql-\d|lib|proj-data)/.test(name) && !UNUSED_LIBRARIES.test(name);

/** The file that says which packages a tree consists of: its identity. */
export const PACKAGE_LIST = 'packages.txt';

/** Path of one of the engine's programs. */
export function engineProgram(root: string, name: 'postgres' | 'initdb'): string {
  return path.join(root, BIN, name);
}

/** The environment of the engine's programs: nothing of the caller's locale or PG* variables. */
export function engineEnvironment(root: string): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'GMT', PROJ_DATA: path.join(root, 'usr/share/proj') };
}

/**
 * Makes the engine tree at `root`: PostgreSQL and DocumentDB as Debian builds them, unpacked without root, and made
 * to run from where they are. Throws `EngineError`.
 */
export async function makeEngineTree(root: string, source: Source, say: Say, signal?: AbortSignal): Promise<void> {
  const started = Date.now();
  const work = `${root}.tmp`;
  const download = `${root}.download`;
  const clear = () => Promise.all([work, download].map((entry) => rm(entry, { recursive: true, force: true })));
  await clear();
  try {
    await mkdir(work, { recursive: true });
    say(`fetching PostgreSQL ${POSTGRES_MAJOR} + DocumentDB from ${source.mirror} ${source.suite} (about 85 MB, once)`);
    const archives = await fetchArchives(source, download, say, signal);
    say(`unpacking ${archives.length} packages`);
    await unpackPackages(archives, work, Math.min(4, availableParallelism()), signal);
    writeFileSync(path.join(work, PACKAGE_LIST), archives.map((file) => `${path.basename(file)}\n`).join(''));
    prune(work);
    linkPostgis(work);
    wrapPrograms(work);
    await rename(work, root);
  } finally {
    await clear();
  }
  say(`engine unpacked in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

async function fetchArchives(source: Source, directory: string, say: Say, signal?: AbortSignal): Promise<string[]> {
  try {
    return await downloadPackages(source, PACKAGES, isWanted, directory, say, signal);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new EngineError(
      `could not fetch the database engine from ${source.mirror} ${source.suite} ` +
        `(MONGOD_DOCUMENTDB_MIRROR and MONGOD_DOCUMENTDB_SUITE change that): ${error.message}`,
    );
  }
}

function prune(root: string): void {
  for (const entry of UNUSED) rmSync(path.join(root, entry), { recursive: true, force: true });
  const bin = path.join(root, BIN);
  if (!existsSync(path.join(bin, 'postgres'))) {
    throw new EngineError(`the package postgresql-${POSTGRES_MAJOR} contained no server`);
  }
  for (const name of readdirSync(bin)) {
    if (!PROGRAMS.includes(name)) rmSync(path.join(bin, name), { recursive: true });
  }
}

/** What the package's maintainer script would have linked through update-alternatives. */
function linkPostgis(root: string): void {
  const extensions = path.join(root, `usr/share/postgresql/${POSTGRES_MAJOR}/extension`);
  const control = path.join(extensions, 'postgis.control');
  if (!existsSync(control)) copyFileSync(path.join(extensions, 'postgis-3.control'), control);
}

/**
 * Puts a script in front of each program that starts it through the tree's own dynamic loader: a C library newer than
 * the host's is then no obstacle, and no chroot is needed.
 */
function wrapPrograms(root: string): void {
  const loader = findLoader(root);
  const bin = path.join(root, BIN);
  for (const name of readdirSync(bin)) {
    renameSync(path.join(bin, name), path.join(bin, `.${name}`));
    const script = `#!/bin/sh
bin=\${0%/*}
root=\${bin%/${BIN}}
exec "$root/${loader}" --library-path "$root/${path.dirname(loader)}:$root/${LIB}" --argv0 "$0" "$bin/.${name}" "$@"
`;
    writeFileSync(path.join(bin, name), script, { mode: 0o755 });
  }
}

/** The dynamic loader's path within the tree: usr/lib/<architecture>/ld-linux-….so.N. */
function findLoader(root: string): string {
  const libraries = path.join(root, 'usr/lib');
  for (const entry of readdirSync(libraries, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const name = readdirSync(path.join(libraries, entry.name)).find((file) => /^ld-linux.*\.so/.test(file));
    if (name) return path.join('usr/lib', entry.name, name);
  }
  throw new EngineError('the unpacked packages contain no dynamic loader');
}
