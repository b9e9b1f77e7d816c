import { CommandError } from '../errors.ts';

/** The server parameters that have an effect here, with the values that they have unless set. */
const DEFAULTS: Readonly<Record<string, string>> = {
  ttlMonitorEnabled: 'true',
  ttlMonitorSleepSecs: '60',
  transactionLifetimeLimitSeconds: '60',
  enableTestCommands: 'false',
};

/** Parameters that may change while the server runs. */
const MUTABLE = new Set(['ttlMonitorEnabled', 'ttlMonitorSleepSecs', 'transactionLifetimeLimitSeconds']);

const SECONDS = ['ttlMonitorSleepSecs', 'transactionLifetimeLimitSeconds'] as const;
type Seconds = (typeof SECONDS)[number];

/** mongod's server parameters, kept as the text that the command line gives. */
export class Parameters {
  readonly #values: Map<string, string>;

  /** Throws BadValue when a number of seconds is none. */
  constructor(given: Readonly<Record<string, string>>) {
    this.#values = new Map(Object.entries({ ...DEFAULTS, ...given }));
    for (const name of SECONDS) readSeconds(name, this.#values.get(name));
  }

  get(name: string): string | undefined {
    return this.#values.get(name);
  }

  entries(): Iterable<[string, string]> {
    return this.#values.entries();
  }

  isTrue(name: string): boolean {
    const value = this.get(name);
    return value === 'true' || value === '1';
  }

  /** A parameter that is a number of seconds, in milliseconds. */
  milliseconds(name: Seconds): number {
    return readSeconds(name, this.get(name)) * 1000;
  }

  /** Changes a parameter, returns what it was. Throws InvalidOptions or BadValue and changes nothing then. */
  set(name: string, value: string): string {
    const was = this.get(name);
    if (was === undefined || !MUTABLE.has(name)) {
      throw new CommandError(72, `attempted to set unrecognized parameter [${name}]`);
    }
    if (name !== 'ttlMonitorEnabled') readSeconds(name, value);
    this.#values.set(name, value);
    return was;
  }
}

function readSeconds(name: string, value: string | undefined): number {
  const seconds = Number(value);
  if (!(seconds > 0)) throw new CommandError(2, `${name} must be a positive number of seconds, not '${value}'`);
  return seconds;
}
