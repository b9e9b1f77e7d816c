import { okReply } from '../bson.ts';
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

const ADMIN_ONLY = { adminOnly: true } as const;

export const ADMIN_COMMANDS: Readonly<Record<string, Command>> = {
  listDatabases: engineCommand(
    (attempt) => queryValue(attempt.engine, 'SELECT documentdb_api.list_databases($1)', [attempt.body]),
    ADMIN_ONLY,
  ),
  compact: engineCommand((attempt) => queryValue(attempt.engine, 'SELECT documentdb_api.compact($1)', [attempt.body])),
  killOp: engineCommand(
    (attempt) => queryValue(attempt.engine, 'SELECT documentdb_api.kill_op($1)', [attempt.body]),
    ADMIN_ONLY,
  ),
  fsync: engineCommand(fsync, ADMIN_ONLY),
  // There is no access control, hence nobody to list.
  usersInfo: gatewayCommand(() => okReply({ users: [] })),
  rolesInfo: gatewayCommand(() => okReply({ roles: [] })),
  shutdown: gatewayCommand(shutdown, ADMIN_ONLY),
  configureFailPoint: gatewayCommand(configureFailPoint, ADMIN_ONLY),
};

async function fsync(attempt: Attempt): Promise<Buffer> {
  if (attempt.doc['lock'] === true) throw new CommandError(115, 'fsync with lock is not supported');
  await attempt.engine.simple('CHECKPOINT');
  return okReply({ numFiles: 1 });
}

function shutdown(_request: Request, core: Core): Buffer {
  const { onShutdown } = core.options;
  if (onShutdown === undefined) throw new CommandError(115, 'this server cannot be shut down by a client');
  // After the reply is on its way.
  setTimeout(onShutdown, 5);
  return okReply();
}

/** As in mongod: unknown unless test commands are enabled. */
function configureFailPoint(request: Request, core: Core): Buffer {
  if (!core.parameters.isTrue('enableTestCommands')) {
    throw new CommandError(59, "no such command: 'configureFailPoint'");
  }
  const { configureFailPoint: name, mode, data } = request.doc;
  core.failPoints.configure(name, mode, data);
  return okReply();
}
