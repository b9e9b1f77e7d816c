import { statSync } from 'node:fs';
import { EngineError } from './engine-error.ts';
import { run } from './run-command.ts';

/** How to run PostgreSQL, which refuses to run as uid 0. */
export interface Unprivileged {
  /** Words to put before a command. */
  readonly prefix: readonly string[];
  /** The uid and gid that must own what PostgreSQL writes; absent when nobody but the caller can be meant. */
  readonly owner?: number;
}

/** On Debian: daemon. Any number but 0 would do. */
const OTHER_ID = 1;

/**
 * The kernel forgets to signal a child whose parent died before the child asked for it, hence the look at the parent;
 * the signal itself is asked for by setpriv.
 */
const endWithParent = (): string[] => [
  ...['--pdeathsig', 'QUIT', 'sh', '-c', '[ "$PPID" = "$0" ] && exec "$@"'],
  String(process.pid),
];

const OTHER_USER = ['setpriv', `--reuid=${OTHER_ID}`, `--regid=${OTHER_ID}`, '--clear-groups'];

/**
 * Keeps root's right to pass directories, such as root's own home on the way to the cache. The secure bit makes
 * access(2) honour it, by which PostgreSQL looks for its programs.
 */
const PASSING_DIRECTORIES = [
  '--securebits=+no_setuid_fixup',
  '--inh-caps=+dac_override',
  '--ambient-caps=+dac_override',
];

/**
 * Finds out how to run a command as another user than root, such that it ends when this process does.
 *
 * As root, the command runs in a user namespace of its own where the same user goes by another number: files stay
 * root's and no directory has to be opened to anyone. Where namespaces are forbidden (as in a container without
 * privileges) it runs as a real other user, who owns the data and keeps root's right to pass directories.
 *
 * @param program an executable that the other user must be able to run
 */
export async function unprivileged(program: string): Promise<Unprivileged> {
  if (process.getuid?.() !== 0) return { prefix: ['setpriv', ...endWithParent()] };
  const namespace = ['unshare', '--user', `--map-user=${OTHER_ID}`, `--map-group=${OTHER_ID}`];
  if (await succeeds([...namespace, 'true'])) {
    return { prefix: [...namespace, 'setpriv', ...endWithParent()], owner: 0 };
  }
  for (const otherUser of [[...OTHER_USER, ...PASSING_DIRECTORIES], OTHER_USER]) {
    if (await succeeds([...otherUser, 'test', '-x', program])) {
      return { prefix: [...otherUser, ...endWithParent()], owner: OTHER_ID };
    }
  }
  throw new EngineError(
    `PostgreSQL does not run as root, user namespaces are forbidden here, and user ${OTHER_ID} cannot read ${program}; ` +
      'run as another user than root, or set MONGOD_DOCUMENTDB_CACHE to a directory that all users can enter',
  );
}

async function succeeds([command = '', ...args]: readonly string[]): Promise<boolean> {
  try {
    await run(command, args);
    return true;
  } catch {
    return false;
  }
}

/**
 * Gives a directory and all in it to the user who will run PostgreSQL, unless it is theirs: the directory may have been
 * made where namespaces are forbidden and be used where they are not, or the reverse.
 */
export async function giveTo(user: Unprivileged, directory: string): Promise<void> {
  if (user.owner === undefined || statSync(directory).uid === user.owner) return;
  await run('chown', ['-R', `${user.owner}:${user.owner}`, directory]);
}
