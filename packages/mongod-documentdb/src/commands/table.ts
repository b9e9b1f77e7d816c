import { type Command, engineCommand } from '../gateway/command.ts';
import { ADMIN_COMMANDS } from './admin.ts';
import { DIAGNOSTIC_COMMANDS } from './diagnostics.ts';
import { explain } from './explain.ts';
import { HANDSHAKE_COMMANDS } from './handshake.ts';
import { READ_COMMANDS } from './reads.ts';
import { REPLICA_SET_COMMANDS } from './replica-set.ts';
import { SCHEMA_COMMANDS } from './schema.ts';
import { SESSION_COMMANDS } from './sessions.ts';
import { WRITE_COMMANDS } from './writes.ts';

/** Every command by its name. A Map: a client may well ask for a command called `constructor`. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map(
  Object.entries({
    ...HANDSHAKE_COMMANDS,
    ...SESSION_COMMANDS,
    ...READ_COMMANDS,
    ...WRITE_COMMANDS,
    ...SCHEMA_COMMANDS,
    ...DIAGNOSTIC_COMMANDS,
    ...REPLICA_SET_COMMANDS,
    ...ADMIN_COMMANDS,
    explain: engineCommand(explain),
  }),
);
