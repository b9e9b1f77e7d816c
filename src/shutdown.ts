import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * npm passes on the Ctrl-C that the terminal has sent to the whole process group already. A second signal this soon is
 * the first one's echo, not a person who has lost patience.
 */
const ECHO_MS = 1_000;

/** What closing may take besides the requests in flight. */
const MARGIN_MS = 10_000;

interface ShutdownOptions {
  readonly log: Pick<FastifyBaseLogger, 'info' | 'fatal' | 'error'>;
  /** Tells load balancers to send requests elsewhere. */
  readonly leave: () => void;
  /** How long they take to see it. */
  readonly delayMs: number;
  /** Finishes what is under way, within `graceMs`, and closes everything. */
  readonly close: () => Promise<void>;
  readonly graceMs: number;
}

/**
 * Ends the process in order, on a signal or on an error that nothing caught; and at once, if told a second time.
 * Returns how to end it for another reason; that does nothing when it is ending already.
 */
export function shutDownOnSignals({
  log,
  leave,
  delayMs,
  close,
  graceMs,
}: ShutdownOptions): (exitCode: number, reason: string) => Promise<void> {
  let stoppingSince: number | undefined;

  async function stop(exitCode: number, reason: string): Promise<void> {
    if (stoppingSince !== undefined) return;
    stoppingSince = Date.now();
    log.info({ status: exitCode }, `stopping: ${reason}`);
    setTimeout(
      () => {
        log.fatal('closing takes too long; gone without it');
        process.exit(1);
      },
      delayMs + graceMs + MARGIN_MS,
    ).unref();
    try {
      leave();
      // What ends for an error is in no state to serve on.
      if (exitCode === 0) await sleep(delayMs);
      await close();
    } catch (error) {
      log.error({ err: error }, 'not everything could be closed');
      process.exit(1);
    }
    process.exit(exitCode);
  }

  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (stoppingSince !== undefined && Date.now() - stoppingSince > ECHO_MS) process.exit(1);
      void stop(0, signal);
    });
  }
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      // After this, what the process remembers may be wrong: another one takes over.
      log.fatal({ err: error }, 'an error that nothing caught');
      void stop(1, event);
    });
  }
  return stop;
}
