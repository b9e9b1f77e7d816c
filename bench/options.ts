import { parseArgs } from 'node:util';

export interface Options {
  /** Seconds of each measurement of a read; hashing, which is slower, gets twice as many. */
  readonly seconds: number;
  /** How often each measurement is repeated, in turn with all others; the median counts. */
  readonly rounds: number;
  readonly connections: readonly number[];
  readonly accounts: readonly number[];
  readonly measures: readonly Measure[];
  /** Pairs of a known and an unknown email for each endpoint. */
  readonly pairs: number;
  readonly json: boolean;
}

const MEASURES = ['throughput', 'timing', 'overload', 'audit', 'journal', 'generated'] as const;
export type Measure = (typeof MEASURES)[number];

const HELP = `Measures the built service next to what the machine can do at most.

npm run bench -- [options]
  --quick              one short round: a look, not a measurement
  --seconds <n>        seconds of each measurement of a read (2)
  --rounds <n>         how often each is repeated (3)
  --connections <n,…>  requests in flight (1,16,64)
  --accounts <n,…>     sizes of the databases (1000,100000)
  --measure <name,…>   throughput, timing, overload, audit, journal, generated (all)
  --pairs <n>          of a known and an unknown email, for timing (2000)
  --json               the figures as JSON on stdout
  --help

It starts a database of its own, or makes two on the server of MONGODB_URI and drops them afterwards.
`;

/** The options of the command line; undefined when help was asked for and given. @throws naming what is wrong */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      connections: { type: 'string', default: '1,16,64' },
      accounts: { type: 'string', default: '1000,100000' },
      measure: { type: 'string', default: MEASURES.join() },
      pairs: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return undefined;
  }
  return {
    seconds: positive('seconds', values.seconds ?? (values.quick ? '0.4' : '2')),
    rounds: Math.ceil(positive('rounds', values.rounds ?? (values.quick ? '1' : '3'))),
    connections: list('connections', values.connections),
    accounts: list('accounts', values.accounts),
    measures: measures(values.measure),
    pairs: positive('pairs', values.pairs ?? (values.quick ? '100' : '2000')),
    json: values.json,
  };
}

function measures(text: string): Measure[] {
  const unknown = text.split(',').find((name) => !MEASURES.some((known) => known === name));
  if (unknown !== undefined) throw new Error(`--measure takes ${MEASURES.join(', ')}, not "${unknown}"`);
  return MEASURES.filter((name) => text.split(',').includes(name));
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0, not "${text}"`);
  return value;
}

function list(name: string, text: string): number[] {
  const values = text.split(',').map((item) => positive(name, item));
  if (!values.every(Number.isInteger)) throw new Error(`--${name} takes whole numbers, not "${text}"`);
  return values.toSorted((a, b) => a - b);
}
