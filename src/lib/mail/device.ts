import Bowser from 'bowser';
import type { Catalogue } from './catalogue.ts';

/** More than any browser sends; parsing is done on no more than this. */
const MAX_LENGTH = 512;

/**
 * What a mail may call a browser or an operating system. The parser hands on what an unknown client calls itself, and
 * a stranger's words have no place in a mail of the service.
 */
const BROWSERS: ReadonlySet<string> = new Set(Object.values(Bowser.BROWSER_MAP));
const SYSTEMS: ReadonlySet<string> = new Set(Object.values(Bowser.OS_MAP));

/** Such as `Firefox on Windows`; undefined when the client is no known one. */
export function deviceName(userAgent: string, { browserOn }: Pick<Catalogue, 'browserOn'>): string | undefined {
  const text = userAgent.slice(0, MAX_LENGTH).trim();
  if (text === '') return undefined;
  const parsed = Bowser.parse(text);
  const browser = known(parsed.browser.name, BROWSERS);
  const system = known(parsed.os.name, SYSTEMS);
  return browser && system ? browserOn(browser, system) : (browser ?? system);
}

const known = (name: string | undefined, names: ReadonlySet<string>): string | undefined =>
  name !== undefined && names.has(name) ? name : undefined;
