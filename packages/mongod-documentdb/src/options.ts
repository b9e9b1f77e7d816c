import { PROGRAM, VERSION } from './identity.ts';
import { EXIT, StartError } from './start-error.ts';

export interface ServeOptions {
  /** 0 lets the system choose; the log's "Waiting for connections" names the choice. */
  port: number;
  dbpath: string;
  /** Addresses to listen on. */
  hosts: string[];
  replSet?: string;
  /** Makes the server the primary of a replica set of its own, without waiting for replSetInitiate. */
  autoInitiate: boolean;
  /** No fsync: faster, and the last of it lost when the engine or the machine goes down. */
  ephemeral: boolean;
  /** Stop when the parent process is gone: whichever it is, or the one of this number. */
  exitWithParent: boolean | number;
  /** Writes each command to the log. */
  debug: boolean;
  params: Record<string, string>;
  logPath?: string;
  logAppend: boolean;
}

export type Invocation =
  | { action: 'help' }
  | { action: 'version' }
  | { action: 'provision' }
  | { action: 'serve'; options: ServeOptions };

export const HELP = `${PROGRAM}: a stand-in for mongod ${VERSION}, for development and tests (PostgreSQL + DocumentDB)

  --port N                (27017; 0 for any)    --dbpath DIR           (/data/db)
  --bind_ip A[,B]         (127.0.0.1)           --bind_ip_all --ipv6
  --replSet NAME                                --storageEngine E      (ephemeralForTest, inMemory: no fsync)
  --setParameter K=V      (ttlMonitorSleepSecs, ttlMonitorEnabled, transactionLifetimeLimitSeconds, enableTestCommands,
                           autoInitiate, exitWithParent)
  --logpath FILE --logappend                    --version --help

Options of mongod that only tune its own storage are accepted; what this server cannot do is refused.
"mongod provision" fetches the database engine and exits.`;

const DEFAULTS = { port: '27017', dbpath: '/data/db', bind_ip: '127.0.0.1' };
const WITH_VALUE = new Set(['port', 'dbpath', 'bind_ip', 'replSet', 'storageEngine', 'logpath', 'setParameter']);
const FLAGS = new Set(['bind_ip_all', 'ipv6', 'logappend']);

/** They tune mongod's storage or its talkativeness; nothing that a client could observe depends on them. */
const TUNING_WITH_VALUE = new Set([
  ...['oplogSize', 'syncdelay', 'journalCommitInterval', 'slowms', 'timeZoneInfo', 'enableMajorityReadConcern'],
  ...['wiredTigerCacheSizeGB', 'wiredTigerEngineConfigString', 'wiredTigerCollectionBlockCompressor'],
  ...['wiredTigerJournalCompressor', 'networkMessageCompressors', 'serviceExecutor', 'verbose'],
]);
const TUNING_FLAGS = new Set([
  ...['noauth', 'journal', 'nojournal', 'quiet', 'directoryperdb', 'nounixsocket', 'noscripting'],
  ...['wiredTigerDirectoryForIndexes', 'v', 'vv', 'vvv', 'vvvv', 'vvvvv'],
]);
const TUNING_PARAMETERS = new Set([
  ...['diagnosticDataCollectionEnabled', 'logLevel', 'maxTransactionLockRequestTimeoutMillis'],
  ...['wiredTigerConcurrentReadTransactions', 'wiredTigerConcurrentWriteTransactions', 'tcmallocReleaseRate'],
]);

/** Security that was asked for is never left out in silence. */
const NO_ACCESS_CONTROL =
  /^(auth|keyFile|clusterAuthMode|transitionToAuth|(tls|ssl)[A-Z].*|clusterIpSourceAllowlist|enableEncryption)$/;

const STORAGE_ENGINES: Readonly<Record<string, { ephemeral: boolean }>> = {
  wiredTiger: { ephemeral: false },
  inMemory: { ephemeral: true },
  ephemeralForTest: { ephemeral: true },
};

const usage = (message: string): StartError => new StartError('InvalidOptions', message, EXIT.badOptions);

/** Reads mongod's command line. Throws `StartError` for what mongod would refuse, and for what this server cannot do. */
export function parseCommandLine(argv: readonly string[], env: NodeJS.ProcessEnv): Invocation {
  if (argv[0] === 'provision') {
    if (argv.length > 1) throw usage(`provision takes no options, got ${argv[1]}`);
    return { action: 'provision' };
  }
  if (!/^\d+\.\d+\.\d+$/.test(VERSION)) throw usage(`MONGOD_DOCUMENTDB_VERSION must be like 7.0.28, not '${VERSION}'`);
  const words = readWords(argv);
  if (words.has('help') || words.has('h')) return { action: 'help' };
  if (words.has('version')) return { action: 'version' };
  return { action: 'serve', options: serveOptions(words, env) };
}

/** The words of the command line by name; those that may be repeated keep every value. */
function readWords(argv: readonly string[]): Map<string, string[]> {
  const words = new Map<string, string[]>();
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? '';
    const [, name = '', attached] = /^--?([A-Za-z]\w*)(?:=(.*))?$/s.exec(word) ?? [];
    if (name === '') throw usage(`Error parsing command line: too many positional options: ${word}`);
    let value = '';
    if (takesValue(name)) {
      const given = attached ?? argv[++index];
      if (given === undefined) throw usage(`Error parsing command line: option '--${name}' needs a value`);
      value = given;
    } else if (attached !== undefined) {
      throw usage(`Error parsing command line: option '--${name}' takes no value`);
    }
    words.set(name, [...(words.get(name) ?? []), value]);
  }
  return words;
}

/** Whether an option takes a value. Throws when this server does not take the option. */
function takesValue(name: string): boolean {
  if (WITH_VALUE.has(name) || TUNING_WITH_VALUE.has(name)) return true;
  if (FLAGS.has(name) || TUNING_FLAGS.has(name) || ['help', 'h', 'version'].includes(name)) return false;
  if (NO_ACCESS_CONTROL.test(name)) {
    throw usage(`--${name} is refused: ${PROGRAM} is for development, and has neither access control nor encryption`);
  }
  throw usage(`Error parsing command line: unrecognised option '--${name}', or one that ${PROGRAM} does not have`);
}

function serveOptions(words: ReadonlyMap<string, string[]>, env: NodeJS.ProcessEnv): ServeOptions {
  const last = (name: string): string | undefined => words.get(name)?.at(-1);
  const params = readParameters(words.get('setParameter') ?? []);
  const replSet = last('replSet') ?? env['MONGOD_DOCUMENTDB_REPLSET'];
  const logPath = last('logpath');
  // Who names the set by the environment has no way to send replSetInitiate.
  const byEnvironment = replSet !== undefined && !words.has('replSet');
  return {
    port: readPort(last('port') ?? DEFAULTS.port),
    dbpath: last('dbpath') ?? DEFAULTS.dbpath,
    hosts: readHosts(last('bind_ip') ?? DEFAULTS.bind_ip, words.has('bind_ip_all'), words.has('ipv6')),
    ...(replSet === undefined ? {} : { replSet }),
    autoInitiate: readAutoInitiate(params, replSet) || byEnvironment,
    ephemeral: readStorageEngine(last('storageEngine') ?? 'wiredTiger') || env['MONGOD_DOCUMENTDB_EPHEMERAL'] === '1',
    exitWithParent: readExitWithParent(params['exitWithParent'] ?? env['MONGOD_DOCUMENTDB_EXIT_WITH_PARENT']),
    debug: env['MONGOD_DOCUMENTDB_DEBUG'] === '1',
    params,
    ...(logPath === undefined ? {} : { logPath }),
    logAppend: words.has('logappend'),
  };
}

const isTrue = (value: string | undefined): boolean => value === 'true' || value === '1';

const isBoolean = (value: string): boolean => /^(true|false|0|1)$/.test(value);
const isPositive = (value: string): boolean => Number(value) > 0;

/** The parameters that have an effect, and which values they take. */
const PARAMETERS: Readonly<Record<string, (value: string) => boolean>> = {
  ttlMonitorSleepSecs: isPositive,
  transactionLifetimeLimitSeconds: isPositive,
  ttlMonitorEnabled: isBoolean,
  enableTestCommands: isBoolean,
  autoInitiate: isBoolean,
  exitWithParent: (value) => isBoolean(value) || /^\d+$/.test(value),
};

function readParameters(assignments: readonly string[]): Record<string, string> {
  const params: Record<string, string> = {};
  for (const assignment of assignments) {
    const [, name = '', value = ''] = /^([^=]+)=(.*)$/s.exec(assignment) ?? [];
    if (name === '') throw usage(`Error parsing command line: --setParameter needs name=value, got '${assignment}'`);
    if (TUNING_PARAMETERS.has(name)) continue;
    const accepts = Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name] : undefined;
    if (!accepts) throw usage(`Unknown --setParameter '${name}'`);
    if (!accepts(value)) throw usage(`Bad value for --setParameter ${name}: '${value}'`);
    params[name] = value;
  }
  return params;
}

function readPort(text: string): number {
  const port = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw usage(`BadValue: --port must be a number from 0 to 65535, not '${text}'`);
  return port;
}

function readHosts(bindIp: string, all: boolean, ipv6: boolean): string[] {
  const everywhere = ipv6 ? '::' : '0.0.0.0';
  if (all) return [everywhere];
  const names = bindIp.split(',').map((name) => name.trim());
  const hosts = names.filter(Boolean).map((name) => ({ localhost: '127.0.0.1', '*': everywhere })[name] ?? name);
  if (hosts.length === 0) throw usage('BadValue: --bind_ip names no address');
  // '::' takes the other families' connections too, so a second socket would find the port in use.
  return hosts.includes('::') ? ['::'] : [...new Set(hosts)];
}

function readStorageEngine(name: string): boolean {
  const engine = Object.hasOwn(STORAGE_ENGINES, name) ? STORAGE_ENGINES[name] : undefined;
  if (!engine) throw usage(`Cannot start server with an unknown storage engine: ${name}`);
  return engine.ephemeral;
}

function readAutoInitiate(params: Readonly<Record<string, string>>, replSet: string | undefined): boolean {
  if (!isTrue(params['autoInitiate'])) return false;
  if (replSet === undefined) throw usage('--setParameter autoInitiate=true needs --replSet');
  return true;
}

function readExitWithParent(value: string | undefined): boolean | number {
  if (value === undefined || value === '' || value === '0' || value === 'false') return false;
  if (isTrue(value)) return true;
  const pid = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!(pid > 1)) throw usage(`MONGOD_DOCUMENTDB_EXIT_WITH_PARENT must be 1 or a process number, not '${value}'`);
  return pid;
}
