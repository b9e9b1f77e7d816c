import { randomBytes } from 'node:crypto';
import { MongoClient } from 'mongodb';
import { loadConfig } from '../src/config.ts';
import { passwordsOf } from '../src/dependencies.ts';
import { startEphemeral } from '../src/embedded/ephemeral.ts';
import { generateKeyringSpec } from '../src/lib/keyring.ts';

import { type Captured, capture } from './capture.ts';
import { type CeilingProcess, startCeiling } from './ceiling.ts';
import { type BenchDatabase, drop, PASSWORD, seed } from './database.ts';
import { generatedTargets, measureGenerated } from './generated.ts';
import { load } from './load.ts';
import { type Measurement, measure, type Participant, warmUp } from './measure.ts';
import { HASHING, type Operation, READS, requestsOf, signIn, slugOf, type Tokens } from './operations.ts';
import { type Measure, type Options, readOptions } from './options.ts';
import { measureOverload, type Overload, overloadTargets } from './overload.ts';
import { reportJson, reportText } from './report.ts';
import { type ServiceProcess, startService } from './service.ts';
import { BARE, FIND_ONE, hashAndSameCommands, RAW_HASHING, sameCommands, targets } from './targets.ts';
import { measureTiming, type Timing, timingTargets } from './timing.ts';
import { measureTrail, TRAILS, trailTargets } from './trails.ts';

/** stdout is for the result. */
const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** An instance of the service over a database of one size. */
interface Subject {
  readonly database: BenchDatabase;
  readonly service: ServiceProcess;
  tokens: Tokens;
}

/** A service is measured over both databases by turns; an instance that nobody calls costs next to nothing. */
async function open(server: string, accounts: number, name: string, keyring: string): Promise<Subject> {
  say(`Making ${accounts} accounts`);
  const passwordHash = await passwordsOf(loadConfig({})).hash(PASSWORD);
  const database = await seed(server, name, accounts, passwordHash);
  const service = await startService(database.uri, keyring);
  return { database, service, tokens: await signIn(service.origin, database) };
}

/** The ceilings and the operations of every size, each beside what it is compared with. */
function participants(subjects: readonly Subject[], ceiling: CeilingProcess, seconds: number): Participant[] {
  const { pid, origin } = ceiling;
  const reading = { seconds, warmUp: 5_000 };
  const hashing = { seconds: seconds * 2, warmUp: 1_000 };
  const bare = (name: string, path: string, accounts?: number, howLong = reading): Participant => ({
    ...howLong,
    name,
    ...(accounts !== undefined && { accounts }),
    pid,
    run: (connections, amount) => load(origin, connections, amount, () => ({ path })),
  });
  const operation = (subject: Subject, name: Operation, howLong: typeof reading): Participant => {
    const { database, service } = subject;
    const next = requestsOf(database, () => subject.tokens)[name];
    return {
      ...howLong,
      name,
      accounts: database.accounts,
      pid: service.pid,
      run: (connections, amount) => load(service.origin, connections, amount, next),
    };
  };
  return [
    bare(BARE, '/bare'),
    ...subjects.map(({ database: { name, accounts } }) => bare(FIND_ONE, `/${name}/find-one`, accounts)),
    ...READS.flatMap((name) =>
      subjects.flatMap((subject) => [
        operation(subject, name, reading),
        bare(sameCommands(name), `/${subject.database.name}/${slugOf(name)}`, subject.database.accounts),
      ]),
    ),
    { ...hashing, warmUp: 50, name: RAW_HASHING, pid, run: ceiling.hash },
    ...HASHING.flatMap((name) =>
      subjects.flatMap((subject) => [
        operation(subject, name, hashing),
        bare(
          hashAndSameCommands(name),
          `/${subject.database.name}/${slugOf(name)}`,
          subject.database.accounts,
          hashing,
        ),
      ]),
    ),
  ];
}

async function engineOf(server: string): Promise<string> {
  const client = await MongoClient.connect(server);
  try {
    const { version, gitVersion } = await client.db('admin').command({ buildInfo: 1 });
    return gitVersion === 'mongod-documentdb' ? `DocumentDB (PostgreSQL) as MongoDB ${version}` : `MongoDB ${version}`;
  } finally {
    await client.close();
  }
}

async function measureAll(options: Options, subjects: readonly Subject[], ceiling: CeilingProcess) {
  const all = participants(subjects, ceiling, options.seconds);
  const measurements: Measurement[] = [];
  const signInAgain = async (): Promise<void> => {
    for (const subject of subjects) subject.tokens = await signIn(subject.service.origin, subject.database);
  };
  await signInAgain();
  say('Warming up');
  await warmUp(all);
  for (const connections of options.connections) {
    say(`Measuring ${all.length} participants with ${connections} in flight, ${options.rounds} times`);
    measurements.push(...(await measure(all, connections, options.rounds, signInAgain)));
  }
  return measurements;
}

/** The measurements that compare the service with what the machine can do at most. */
async function throughput(options: Options, subjects: readonly Subject[], captured: readonly Captured[]) {
  const databases = subjects.map(({ database: { name, uri } }, n) => ({
    name,
    uri,
    replays: captured[n]?.replays ?? '{}',
  }));
  const ceiling = await startCeiling(databases);
  try {
    return await measureAll(options, subjects, ceiling);
  } finally {
    await ceiling.stop();
  }
}

/** Sign-ins that nobody else disturbs, a second: what an overload is a multiple of. */
async function capacityOf({ database, service, tokens }: Subject): Promise<number> {
  const { latencies, seconds } = await load(service.origin, 16, 400, requestsOf(database, () => tokens)['sign-in']);
  return latencies.length / seconds;
}

async function overload(subject: Subject): Promise<Overload> {
  say('Measuring reads while ten times as many sign in as can be hashed');
  subject.tokens = await signIn(subject.service.origin, subject.database);
  const requests = requestsOf(subject.database, () => subject.tokens);
  const capacity = await capacityOf(subject);
  return measureOverload(subject.service.origin, capacity, requests['sign-in'], requests['read oneself']);
}

async function timing({ database, service }: Subject, pairs: number): Promise<Timing[]> {
  say(`Measuring ${pairs} pairs of known and unknown emails for each endpoint`);
  const known = database.people.map(({ email }) => email);
  return measureTiming(service.origin, known, pairs);
}

async function trails(options: Options, subject: Subject, keyring: string): Promise<Measurement[]> {
  const measured: Measurement[] = [];
  for (const trail of TRAILS.filter((each) => options.measures.includes(each))) {
    say(`Measuring what its ${trail} costs a write`);
    subject.tokens = await signIn(subject.service.origin, subject.database);
    measured.push(...(await measureTrail(trail, subject.database, keyring, subject.tokens, options)));
  }
  return measured;
}

async function generated(options: Options, subject: Subject, keyring: string): Promise<Measurement[]> {
  say('Measuring generated routes beside those that are written by hand');
  subject.tokens = await signIn(subject.service.origin, subject.database);
  return measureGenerated(subject.database, keyring, subject.tokens, options);
}

async function measureSubjects(options: Options, subjects: readonly Subject[], keyring: string) {
  const asked = (measure: Measure): boolean => options.measures.includes(measure);
  const captured: Captured[] = [];
  for (const { database, tokens } of subjects) captured.push(await capture(database, keyring, tokens));
  const [first] = captured;
  const largest = subjects.at(-1);
  if (!first || !largest) throw new Error('no database, no measurement');
  const measurements = asked('throughput') ? await throughput(options, subjects, captured) : [];
  const timings = asked('timing') ? await timing(largest, options.pairs) : [];
  const overloaded = asked('overload') ? await overload(largest) : undefined;
  const writes = await trails(options, largest, keyring);
  const made = asked('generated') ? await generated(options, largest, keyring) : [];
  return {
    commands: first.commands,
    measurements: [...measurements, ...writes, ...made],
    timings,
    overload: overloaded,
    targets: [
      ...targets(measurements),
      ...timingTargets(timings),
      ...(overloaded ? overloadTargets(overloaded) : []),
      ...trailTargets(writes),
      ...generatedTargets(made),
    ],
  };
}

async function run(options: Options, server: string, names: ReadonlyMap<number, string>): Promise<void> {
  const keyring = generateKeyringSpec();
  const subjects: Subject[] = [];
  try {
    for (const [accounts, name] of names) subjects.push(await open(server, accounts, name, keyring));
    const report = { engine: await engineOf(server), ...(await measureSubjects(options, subjects, keyring)) };
    process.stdout.write(options.json ? reportJson(report) : reportText(report));
  } finally {
    await Promise.all(subjects.map(({ service }) => service.stop()));
  }
}

async function main(): Promise<void> {
  // What was started is ended when this process ends, which a signal by itself would not wait for.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const options = readOptions(process.argv.slice(2));
  if (!options) return;
  const database = await startEphemeral(say);
  const suffix = randomBytes(3).toString('hex');
  const names = new Map(options.accounts.map((accounts) => [accounts, `roster_bench_${accounts}_${suffix}`]));
  try {
    await run(options, database.uri, names);
  } finally {
    await drop(database.uri, [...names.values()]);
    await database.stop();
  }
}

await main();
