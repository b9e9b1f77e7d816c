import { Long, ObjectId, Timestamp } from 'bson';
import { type Doc, docOf, okReply } from '../bson.ts';
import { CommandError } from '../errors.ts';
import { type Command, gatewayCommand, type Request } from '../gateway/command.ts';
import type { Core } from '../gateway/core.ts';
import { MAX_MESSAGE_BYTES } from '../gateway/wire.ts';
import { GIT_VERSION, VERSION } from '../identity.ts';

const MAX_BSON_BYTES = 16 * 1024 * 1024;
/** The engine's limit; MongoDB's is 100,000. */
const MAX_WRITE_BATCH = 25_000;
/** MongoDB 7.0's wire version. */
const WIRE_VERSION = 21;
const ELECTION_ID = new ObjectId('7fffffff0000000000000001');

const helloCommand = gatewayCommand(hello);
const buildInfoCommand = gatewayCommand(buildInfo);
const refuseSignIn = gatewayCommand(() => {
  throw new CommandError(18, 'Authentication failed: this server runs without access control');
});

export const HANDSHAKE_COMMANDS: Readonly<Record<string, Command>> = {
  hello: helloCommand,
  isMaster: helloCommand,
  ismaster: helloCommand,
  ping: gatewayCommand(() => okReply()),
  buildInfo: buildInfoCommand,
  buildinfo: buildInfoCommand,
  saslStart: refuseSignIn,
  authenticate: refuseSignIn,
  logout: gatewayCommand(() => okReply()),
  connectionStatus: gatewayCommand(() =>
    okReply({ authInfo: { authenticatedUsers: [], authenticatedUserRoles: [], authenticatedUserPrivileges: [] } }),
  ),
  whatsmyuri: gatewayCommand((request) => okReply({ you: request.client.remote })),
};

function hello(request: Request, core: Core): Buffer {
  const application = docOf(docOf(request.doc['client'])['application']);
  if (typeof application['name'] === 'string') request.client.appName = application['name'];
  return okReply({
    helloOk: true,
    ...role(core),
    maxBsonObjectSize: MAX_BSON_BYTES,
    maxMessageSizeBytes: MAX_MESSAGE_BYTES,
    maxWriteBatchSize: MAX_WRITE_BATCH,
    localTime: new Date(),
    logicalSessionTimeoutMinutes: 30,
    connectionId: request.client.id,
    minWireVersion: 0,
    maxWireVersion: WIRE_VERSION,
    readOnly: false,
  });
}

function role({ replicaSet }: Core): Doc {
  const { config, isWritable } = replicaSet;
  const state = { ismaster: isWritable, isWritablePrimary: isWritable };
  if (replicaSet.name === undefined) return state;
  if (config === null) {
    return { ...state, secondary: false, isreplicaset: true, info: 'Does not have a valid replica set config' };
  }
  const opTime = { ts: new Timestamp({ t: Math.floor(Date.now() / 1000), i: 1 }), t: Long.ONE };
  const now = new Date();
  return {
    ...state,
    secondary: !isWritable,
    setName: config._id,
    setVersion: config.version,
    hosts: config.members.filter((member) => !member.arbiterOnly && !member.hidden).map((member) => member.host),
    primary: replicaSet.primary,
    me: replicaSet.self,
    ...(isWritable ? { electionId: ELECTION_ID } : {}),
    lastWrite: { opTime, lastWriteDate: now, majorityOpTime: opTime, majorityWriteDate: now },
  };
}

function buildInfo(): Buffer {
  return okReply({
    version: VERSION,
    versionArray: [...VERSION.split('.').map(Number), 0],
    gitVersion: GIT_VERSION,
    modules: [],
    allocator: 'system',
    javascriptEngine: 'none',
    sysInfo: 'deprecated',
    openssl: { running: 'none' },
    bits: 64,
    debug: false,
    maxBsonObjectSize: MAX_BSON_BYTES,
    storageEngines: ['documentdb'],
  });
}
