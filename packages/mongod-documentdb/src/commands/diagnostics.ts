import os from 'node:os';
import { Long } from 'bson';
import { type Doc, okReply } from '../bson.ts';
import { CommandError } from '../errors.ts';
import {
  type Attempt,
  type Command,
  engineCommand,
  gatewayCommand,
  queryValue,
  type Request,
} from '../gateway/command.ts';
import type { Core } from '../gateway/core.ts';
import { VERSION } from '../identity.ts';

const ADMIN_ONLY = { adminOnly: true } as const;
const serverStatusCommand = gatewayCommand(serverStatus);
const collStatsCommand = engineCommand(collStats);
const dbStatsCommand = engineCommand((attempt) =>
  queryValue(attempt.engine, 'SELECT documentdb_api.db_stats($1, $2::text::float8, false)', [
    attempt.db,
    String(attempt.doc['scale'] ?? 1),
  ]),
);

/** What the server tells about itself and its data. */
export const DIAGNOSTIC_COMMANDS: Readonly<Record<string, Command>> = {
  serverStatus: serverStatusCommand,
  serverstatus: serverStatusCommand,
  hostInfo: gatewayCommand(hostInfo),
  getLog: gatewayCommand(getLog, ADMIN_ONLY),
  getCmdLineOpts: gatewayCommand(getCmdLineOpts, ADMIN_ONLY),
  getParameter: gatewayCommand(getParameter, ADMIN_ONLY),
  setParameter: gatewayCommand(setParameter, ADMIN_ONLY),
  profile: gatewayCommand(profile),
  listCommands: gatewayCommand(listCommands),
  collStats: collStatsCommand,
  collstats: collStatsCommand,
  dbStats: dbStatsCommand,
  dbstats: dbStatsCommand,
  validate: engineCommand((attempt) =>
    queryValue(attempt.engine, 'SELECT document FROM documentdb_api.validate($1, $2)', [attempt.db, attempt.body]),
  ),
  currentOp: engineCommand(
    (attempt) =>
      queryValue(attempt.engine, 'SELECT document FROM documentdb_api.current_op_command($1)', [attempt.body]),
    ADMIN_ONLY,
  ),
};

function collStats(attempt: Attempt): Promise<Buffer> {
  const scale = String(attempt.doc['scale'] ?? 1);
  const sql = 'SELECT documentdb_api.coll_stats($1, $2, $3::text::float8)';
  return queryValue(attempt.engine, sql, [attempt.db, attempt.collection, scale]);
}

function serverStatus(_request: Request, core: Core): Buffer {
  const uptimeMs = Date.now() - core.startedAt;
  const { config, name, isWritable } = core.replicaSet;
  return okReply({
    host: `${os.hostname()}:${core.port()}`,
    version: VERSION,
    process: 'mongod',
    pid: Long.fromNumber(process.pid),
    uptime: Math.round(uptimeMs / 1000),
    uptimeMillis: Long.fromNumber(uptimeMs),
    localTime: new Date(),
    connections: { current: core.clients.size, totalCreated: core.connectionsCreated() },
    storageEngine: { name: 'documentdb', supportsCommittedReads: true, persistent: true },
    ...(name === undefined ? {} : { repl: { setName: config?._id, isWritablePrimary: isWritable } }),
    mem: { bits: 64, resident: Math.round(process.memoryUsage().rss / 2 ** 20) },
    metrics: { cursor: { open: { total: Long.fromNumber(core.cursors.size) } } },
    transactions: { currentOpen: Long.fromNumber(core.transactions.openCount) },
  });
}

function hostInfo(): Buffer {
  const arch = os.arch() === 'x64' ? 'x86_64' : os.arch();
  return okReply({
    system: {
      currentTime: new Date(),
      hostname: os.hostname(),
      cpuAddrSize: 64,
      memSizeMB: Math.round(os.totalmem() / 2 ** 20),
      numCores: os.cpus().length,
      cpuArch: arch,
    },
    os: { type: os.type(), name: os.type(), version: os.release() },
    extra: {},
  });
}

/** The log goes to standard output or a file; none of it is kept in memory. */
function getLog(request: Request): Buffer {
  if (request.doc['getLog'] === '*') return okReply({ names: ['global', 'startupWarnings'] });
  return okReply({ totalLinesWritten: 0, log: [] });
}

function getCmdLineOpts(_request: Request, core: Core): Buffer {
  const { name } = core.replicaSet;
  const replication = name === undefined ? {} : { replication: { replSet: name } };
  return okReply({ argv: core.options.argv ?? [], parsed: { net: { port: core.port() }, ...replication } });
}

function getParameter(request: Request, core: Core): Buffer {
  const all: Doc = {
    featureCompatibilityVersion: { version: VERSION.split('.').slice(0, 2).join('.') },
    authenticationMechanisms: [],
    ...Object.fromEntries(core.parameters.entries()),
  };
  const { getParameter: asked, allParameters } = request.doc;
  if (asked === '*' || allParameters === true) return okReply(all);
  const found = Object.keys(request.doc).filter((name) => Object.hasOwn(all, name));
  if (found.length === 0) throw new CommandError(72, 'no option found to get');
  return okReply(Object.fromEntries(found.map((name) => [name, all[name]])));
}

function setParameter(request: Request, core: Core): Buffer {
  const [entry] = Object.entries(request.doc).filter(
    ([name]) => name !== 'setParameter' && name !== 'lsid' && name !== 'comment' && !name.startsWith('$'),
  );
  if (entry === undefined) throw new CommandError(72, 'no option found to set, use help:true to see options ');
  const [name, value] = entry;
  const was = core.parameters.set(name, String(value));
  if (name === 'ttlMonitorSleepSecs') core.ttl.start(core.parameters.milliseconds(name));
  return okReply({ was });
}

function profile(request: Request): Buffer {
  if (Number(request.doc['profile']) > 0) throw new CommandError(115, 'this server has no profiler');
  return okReply({ was: 0, slowms: 100, sampleRate: 1 });
}

function listCommands(_request: Request, core: Core): Buffer {
  return okReply({ commands: Object.fromEntries([...core.commandNames()].map((name) => [name, { help: '' }])) });
}
