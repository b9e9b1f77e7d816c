import Bowser from 'bowser';

/** No real agent is longer, and what many patterns are tried on should be short. */
const MAX_LENGTH = 512;

/** Whatever else stands in a user agent is text of the client's choice, and no name. */
const BROWSERS: ReadonlySet<string> = new Set(Object.values(Bowser.BROWSER_MAP));
const SYSTEMS: ReadonlySet<string> = new Set(Object.values(Bowser.OS_MAP));

/** What its owner would call the device of a user agent: "Firefox on Windows". Undefined when nobody could tell. */
export function deviceName(userAgent: string): string | undefined {
  if (userAgent === '') return undefined;
  const parser = Bowser.getParser(userAgent.slice(0, MAX_LENGTH), true);
  const [browser, system] = [parser.getBrowserName(), parser.getOSName()];
  const known = [...(BROWSERS.has(browser) ? [browser] : []), ...(SYSTEMS.has(system) ? [system] : [])];
  return known.length > 0 ? known.join(' on ') : undefined;
}
