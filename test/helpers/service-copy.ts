import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Outcome, roster } from './roster.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const COPIED = ['bin', 'dist', 'migrations', 'package.json'];

/** The service as it is compiled, in a directory of its own, where a test may change models and migrations. */
export class ServiceCopy {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async make(): Promise<ServiceCopy> {
    const directory = await mkdtemp(join(tmpdir(), 'copy-'));
    for (const name of COPIED) await cp(join(ROOT, name), join(directory, name), { recursive: true });
    await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
    return new ServiceCopy(directory);
  }

  path(...names: string[]): string {
    return join(this.#directory, ...names);
  }

  /** As somebody would edit a source and compile it. @throws when the text is not there */
  async edit(file: string, from: string, to: string): Promise<void> {
    const source = await readFile(this.path(file), 'utf8');
    if (!source.includes(from)) throw new Error(`${file} does not contain ${from}`);
    await writeFile(
      this.path(file),
      source.replace(from, () => to),
    );
  }

  async migrations(): Promise<string[]> {
    return (await readdir(this.path('migrations'))).filter((file) => file.endsWith('.js')).sort();
  }

  roster(args: readonly string[], env: Record<string, string>): Promise<Outcome> {
    return roster(args, { env, program: this.path('bin/roster') });
  }

  remove(): Promise<void> {
    return rm(this.#directory, { recursive: true });
  }
}
