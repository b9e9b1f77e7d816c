import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';
import type { Config } from './config.ts';

/**
 * The fields that a log line may carry. Everything else is dropped, so that a secret is absent because nobody listed
 * it, not because somebody remembered to hide it: no body, no header, no email, no name has a field here.
 */
const FIELDS: ReadonlySet<string> = new Set([
  // One request
  'method',
  'url',
  'route',
  'status',
  'ms',
  'ip',
  'userId',
  'sessionId',
  'apiKeyId',
  'code',
  // What went wrong
  'err',
  // The database
  'namespace',
  'command',
  'shape',
  'plan',
  // Scheduled work
  'job',
  // Mail: its record in the outbox, and what is no secret of it
  'mail',
  'template',
  'attempts',
  'file',
  // Webhooks: the endpoint, what it is told and how it took that; never its address
  'webhook',
  'delivery',
  'event',
]);

/**
 * Errors whose message is written by this service or tells of hosts and ports. The others quote what a person typed
 * (a duplicate key names the email), so only their type, code and stack are logged.
 */
const SPEAKING_ERRORS: ReadonlySet<string> = new Set([
  'AppError',
  'BackupDamagedError',
  'BackupError',
  'BackupKeyError',
  'BackupRunningError',
  'DecryptionError',
  'DeliveryError',
  'HashingOverloadError',
  'IdentityProviderError',
  'PasswordRangeError',
  'MongoServerSelectionError',
  'MongooseServerSelectionError',
  'MongoNetworkError',
  'MongoNetworkTimeoutError',
  'MongoWaitQueueTimeoutError',
  'MongoPoolClearedError',
]);

/** Causes are followed this far; an error can be its own cause. */
const MAX_CAUSES = 5;

/** An error as it is logged: frames of the stack without the message that heads them. */
interface LoggedError {
  readonly type: string;
  readonly code?: string | number;
  readonly message?: string;
  readonly stack?: string;
  readonly cause?: LoggedError;
}

/** Picks what is safe to keep of an error and of what caused it. */
export function loggedError(error: unknown, depth = 0): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code } = error as { code?: unknown };
  const type = error.name === 'Error' ? error.constructor.name : error.name;
  const stack = error.stack?.split('\n').filter((line) => /^\s+at /.test(line));
  return {
    type,
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
    ...((SPEAKING_ERRORS.has(type) || 'syscall' in error) && { message: error.message }),
    ...(stack?.length && { stack: stack.join('\n') }),
    ...(error.cause !== undefined && depth < MAX_CAUSES && { cause: loggedError(error.cause, depth + 1) }),
  };
}

function listedFields(fields: Record<string, unknown>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const name in fields) if (FIELDS.has(name)) kept[name] = fields[name];
  return kept;
}

/** Options of the one logger: JSON lines, level and time in words, an allow-list of fields. */
const loggerOptions = (config: Pick<Config, 'LOG_LEVEL'>): LoggerOptions => ({
  level: config.LOG_LEVEL,
  base: null,
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (label) => ({ level: label }), log: listedFields },
  serializers: { err: (error: unknown) => loggedError(error) },
});

/** Lines are written together: a system call for each would take a twentieth of the time of a busy process. */
const BUFFERED_BYTES = 4_096;

/** No line waits longer than this to be written. */
const FLUSH_MS = 200;

function standardOutput(): DestinationStream {
  const output = pino.destination({ minLength: BUFFERED_BYTES, periodicFlush: FLUSH_MS, sync: true });
  // Also after an error that nothing caught: the last lines are those that tell why.
  process.on('exit', () => output.flushSync());
  return output;
}

export const createLogger = (config: Pick<Config, 'LOG_LEVEL'>, destination = standardOutput()): Logger =>
  pino(loggerOptions(config), destination);
