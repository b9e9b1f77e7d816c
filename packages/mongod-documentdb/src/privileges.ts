import { EngineError } from './engine-error.ts';
import { run } from './run-command.ts';

/** How to run PostgreSQL, which refuses to run as uid 0. */
export interface Unprivileged {
  /** Words to put before a command. */
  readonly prefix: readonly string[];
  /** The uid and gid that must own what PostgreSQL writes; absent when it is the caller's own. */
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

/**
 * Finds out how to run a command as another user than root, such that it ends when this process does.
 *
 * As root, the command runs in a user namespace of its own where the same user goes by another number: files stay
 * root's and no directory has to be opened to anyone. Where namespaces are forbidden (as in a container without
 * privileges) it runs as a real other user, who must be able to enter the cache and the data directory.
 *
 * @param program an executable that the other user must be able to run
 */
export async function unprivileged(program: string): Promise<Unprivileged> {
  if (process.getuid?.() !== 0) return { prefix: ['setpriv', ...endWithParent()] };
  const namespace = ['unshare', '--user', `--map-user=${OTHER_ID}`, `--map-group=${OTHER_ID}`];
  if (await succeeds([...namespace, 'true'])) return { prefix: [...namespace, 'setpriv', ...endWithParent()] };
  const otherUser = ['setpriv', `--reuid=${OTHER_ID}`, `--regid=${OTHER_ID}`, '--clear-groups'];
  if (!(await succeeds([...otherUser, 'test', '-x', program]))) {
    throw new EngineError(
      `PostgreSQL does not run as root, user namespaces are forbidden here, and user ${OTHER_ID} cannot read ${program}; ` +
        'run as another user than root, or set MONGOD_DOCUMENTDB_CACHE to a directory that all users can enter',
    );
  }
  return { prefix: [...otherUser, ...endWithParent()], owner: OTHER_ID };
}

async function succeeds([command = '', ...args]: readonly string[]): Promise<boolean> {
  try {
    await run(command, args);
    return true;
  } catch {
    return false;
  }
}

/** Gives a directory and all in it to the user who will run PostgreSQL. */
export async function giveTo(user: Unprivileged, directory: string): Promise<void> {
  if (user.owner !== undefined) await run('chown', ['-R', `${user.owner}:${user.owner}`, directory]);
}
