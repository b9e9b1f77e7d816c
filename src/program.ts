import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/**
 * Arguments that node runs a module of this program with, compiled or as its source stands.
 * @param base `import.meta.url` of whoever starts it
 * @param name of the module, from there, without its ending
 */
export function programOf(base: string, name: string): string[] {
  if (!base.endsWith('.ts')) return [fileURLToPath(new URL(`${name}.js`, base))];
  const loader = createRequire(base).resolve('tsx');
  return ['--import', loader, fileURLToPath(new URL(`${name}.ts`, base))];
}
