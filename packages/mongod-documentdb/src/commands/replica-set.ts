import { Long } from 'bson';
import { docOf, okReply } from '../bson.ts';
import { CommandError } from '../errors.ts';
import { type Command, gatewayCommand, type Request } from '../gateway/command.ts';
import type { Core } from '../gateway/core.ts';
import type { ReplicaSetConfig } from '../gateway/options.ts';
import { sendCommand } from '../gateway/peer.ts';
import { readReplicaSetConfig } from '../gateway/replica-set.ts';

/** Sent by a primary to the other members of its set; not a command of MongoDB's. */
const MIRROR_COMMAND = 'mongodDocumentdbMirror';

const ADMIN_ONLY = { adminOnly: true } as const;

export const REPLICA_SET_COMMANDS: Readonly<Record<string, Command>> = {
  replSetInitiate: gatewayCommand(replSetInitiate, ADMIN_ONLY),
  replSetReconfig: gatewayCommand(replSetReconfig, ADMIN_ONLY),
  replSetGetConfig: gatewayCommand((_request, core) => okReply({ config: initiated(core) }), ADMIN_ONLY),
  replSetGetStatus: gatewayCommand(replSetGetStatus, ADMIN_ONLY),
  replSetStepDown: gatewayCommand(replSetStepDown, ADMIN_ONLY),
  [MIRROR_COMMAND]: gatewayCommand(mirror, ADMIN_ONLY),
};

async function replSetInitiate(request: Request, core: Core): Promise<Buffer> {
  const { replicaSet, options } = core;
  const name = setName(core);
  if (replicaSet.config !== null) throw new CommandError(23, 'already initialized');
  const asked = docOf(request.doc['replSetInitiate']);
  const config: ReplicaSetConfig =
    asked['members'] === undefined
      ? { _id: name, version: 1, members: [{ _id: 0, host: replicaSet.self }] }
      : readReplicaSetConfig(asked, Number(asked['version'] ?? 1));
  if (config._id !== name) {
    throw new CommandError(
      93,
      `Rejecting initiate with a set name that differs from command line set name, initiate set name: ${config._id}, command line set name: ${name}`,
    );
  }
  const self = replicaSet.memberOf(config)?.host;
  if (self === undefined) throw new CommandError(93, 'No host described in new configuration maps to this node');
  // The other members serve this node's data.
  for (const { host } of config.members) {
    if (host === self) continue;
    await sendCommand(host, { [MIRROR_COMMAND]: options.socketPath, primary: self, config, $db: 'admin' });
  }
  replicaSet.initiate(config);
  return okReply();
}

function mirror(request: Request, core: Core): Buffer {
  setName(core);
  const { primary, config } = request.doc;
  core.engine.redirect(request.collection);
  core.replicaSet.follow(readReplicaSetConfig(docOf(config), Number(docOf(config)['version'])), String(primary));
  return okReply();
}

function replSetReconfig(request: Request, core: Core): Buffer {
  const current = initiated(core);
  if (!core.replicaSet.isWritable) throw new CommandError(10107, 'replSetReconfig should only be run on a primary');
  const asked = docOf(request.doc['replSetReconfig']);
  core.replicaSet.reconfigure(readReplicaSetConfig(asked, current.version + 1));
  return okReply();
}

function replSetGetStatus(_request: Request, core: Core): Buffer {
  const { replicaSet } = core;
  const config = initiated(core);
  const now = new Date();
  const members = config.members.map(({ _id, host }) => {
    const isPrimary = host === replicaSet.primary;
    return {
      _id,
      name: host,
      health: 1,
      state: isPrimary ? 1 : 2,
      stateStr: isPrimary ? 'PRIMARY' : 'SECONDARY',
      self: host === replicaSet.self,
      optimeDate: now,
    };
  });
  return okReply({ set: config._id, date: now, myState: replicaSet.isWritable ? 1 : 2, term: Long.ONE, members });
}

function replSetStepDown(_request: Request, core: Core): Buffer {
  initiated(core);
  throw new CommandError(262, 'No electable secondaries caught up: this server has no failover');
}

function setName(core: Core): string {
  const { name } = core.replicaSet;
  if (name === undefined) throw new CommandError(76, 'This node was not started with replication enabled.');
  return name;
}

function initiated(core: Core): ReplicaSetConfig {
  setName(core);
  const { config } = core.replicaSet;
  if (config === null) throw new CommandError(94, 'no replset config has been received');
  return config;
}
