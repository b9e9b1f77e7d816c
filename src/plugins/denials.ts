import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { AppError } from '../errors.ts';
import { limitKey } from '../lib/client-address.ts';
import { LocalCounter } from '../lib/local-counter.ts';
import { Tally } from '../lib/tally.ts';
import { AUDIT_LIMITS, type AuditOrigin, recordAuditEvent, recordCounted } from '../models/audit-event.ts';
import type { App } from '../types/fastify.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Writes what has been counted of denials until now. */
    tellDenials(): Promise<void>;
  }
}

const MINUTE_MS = 60_000;

/** Denials of one account in a minute that are told one by one; what is more is a flood, and counted. */
const SINGLE = 20;

/** Accounts whose denials are told one by one, in one process. */
const MAX_ACTORS = 20_000;

/** Counts in one minute, each an event in the end: of a flood from everywhere, the rest is counted by route alone. */
const MAX_COUNTS = 1_000;

/** Routes and codes are few. */
const MAX_OVERFLOW = 1_000;

/** A denial as it is counted. */
interface Denial {
  readonly actor: AuditOrigin['actor'];
  /** The address, of IPv6 the network; absent where there were too many. */
  readonly ip?: string;
  readonly reason: string;
  readonly route: string;
}

/** The first step of a sign-in is told as what it is, a challenge. */
const isDenial = (error: unknown): error is AppError =>
  error instanceof AppError && [401, 403, 429].includes(error.status) && error.code !== 'mfa-required';

const routeOf = ({ method, routeOptions: { url } }: FastifyRequest): string =>
  `${method} ${url ?? ''}`.slice(0, AUDIT_LIMITS.name);

/**
 * Every denial leaves a record, whatever denied it: one by one where somebody is signed in, else one event for each
 * address, route and minute with how often, so that a flood fills neither the database nor the memory. What a model has
 * recorded as the failure that it is, is not told twice.
 */
async function denials(app: App): Promise<void> {
  const { keyring } = app.deps;
  const singles = new LocalCounter({ windowMs: MINUTE_MS, maxKeys: MAX_ACTORS });
  const counts = new Tally<Denial>(MAX_COUNTS);
  const overflow = new Tally<Denial>(MAX_OVERFLOW);

  function count(denial: Denial, times = 1): void {
    const { actor, ip, reason, route } = denial;
    if (counts.add(JSON.stringify([actor.id ?? '', ip ?? '', reason, route]), denial, times)) return;
    overflow.add(`${reason} ${route}`, { actor: { type: 'anonymous' }, reason, route }, times);
  }

  async function tell(request: FastifyRequest, { code }: AppError): Promise<void> {
    const { origin } = request;
    if (origin.told?.refusal) return;
    const route = routeOf(request);
    const { actor } = origin;
    if (actor.id && singles.countUp(String(actor.id)).count <= SINGLE) {
      const target = { collection: 'routes', name: route };
      const event = { action: 'access.denied', outcome: 'denied', reason: code, target } as const;
      await recordAuditEvent(undefined, origin, event).catch((err: unknown) => {
        request.log.warn({ err }, 'a denial could not be recorded, and is counted');
        count({ actor, ip: request.ip, reason: code, route });
      });
    } else count({ actor, ip: limitKey(request.ip), reason: code, route });
  }

  async function tellDenials(): Promise<void> {
    const taken = [...counts.take(), ...overflow.take()].map(([, counted]) => counted);
    if (taken.length === 0) return;
    const events = taken.map(({ what: { actor, ip, reason, route }, count: times }) => ({
      origin: { actor, ...(ip !== undefined && { ip }), keyring },
      event: {
        action: 'access.denied',
        outcome: 'denied',
        reason,
        target: { collection: 'routes', name: route },
        count: times,
      } as const,
    }));
    await recordCounted(events).catch((err: unknown) => {
      app.log.warn({ err }, 'counts of denials could not be recorded: they are tried again');
      for (const { what, count: times } of taken) count(what, times);
    });
  }

  app.decorate('tellDenials', tellDenials);
  const every = setInterval(() => void tellDenials(), MINUTE_MS).unref();
  app.addHook('onError', async (request, _reply, error) => {
    if (isDenial(error)) await tell(request, error);
  });
  app.addHook('onClose', async () => {
    clearInterval(every);
    await tellDenials();
  });
}

export default fp(denials, { name: 'denials', dependencies: ['audit'] });
